"""The identity network in torch gives what dlib itself gives for the same file."""

from __future__ import annotations

from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import ModelError
from models.evaluation.identity_net import CHIP_PX, IdentityNet, load_identity_net

FILE = "identity-resnet.dat"


@pytest.fixture(scope="module")
def net(weights_dir: Path) -> IdentityNet:
    return load_identity_net(weights_dir)


def test_it_is_dlibs_network(
    net: IdentityNet, weights_dir: Path, portrait: NDArray[np.uint8]
) -> None:
    reference = dlib.face_recognition_model_v1(str(weights_dir / FILE))
    noise = np.random.default_rng(0).integers(0, 256, (CHIP_PX, CHIP_PX, 3), np.uint8)
    face = np.asarray(cv2.resize(portrait, (CHIP_PX, CHIP_PX)), np.uint8)
    for chip in (noise, face):
        expected = np.array(reference.compute_face_descriptor(chip))
        assert np.abs(net.embed(chip) - expected).max() < 1e-5


def test_a_damaged_or_strange_file_is_refused(weights_dir: Path) -> None:
    data = (weights_dir / FILE).read_bytes()
    for length in (0, 300, 400, 19_385, 5_000_000, len(data) - 50_000):
        with pytest.raises(ModelError, match="identity network: expected"):
            IdentityNet(data[:length])
    with pytest.raises(ModelError, match="expected another layer con_4, got the end"):
        IdentityNet(b"\x89PNG" + bytes(1000))
    of_other_size = data.replace(b"\x01\x05con_4", b"\x01\x05con_9", 1)
    with pytest.raises(ModelError, match="expected 4704 weights for 32 channels, got 9248"):
        IdentityNet(of_other_size)
