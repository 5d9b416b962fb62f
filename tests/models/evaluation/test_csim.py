"""Faces are aligned as the identity network learned them, and identities compared by angle."""

from __future__ import annotations

from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation.csim import (
    ALIGNMENT_LANDMARKS,
    CHIP_PADDING,
    cosine_similarity,
    face_chip,
    similarity_between,
)
from models.evaluation.face_reading import FaceReader
from models.evaluation.identity_net import CHIP_PX, load_identity_net


@pytest.fixture(scope="module")
def landmarks(portrait: NDArray[np.uint8]) -> NDArray[np.float32]:
    with FaceReader() as reader:
        seen = reader.read(portrait)
    assert seen is not None
    return seen.landmarks


def mean_error(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(float) - b).mean())


def test_the_chip_is_the_one_that_dlib_cuts(
    portrait: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> None:
    # dlib knows whole pixels only, and counts from the first one's centre.
    whole = np.floor(landmarks)
    points = [dlib.point(int(x), int(y)) for x, y in whole[list(ALIGNMENT_LANDMARKS)]]
    detection = dlib.full_object_detection(dlib.rectangle(0, 0, 127, 127), points)
    expected = dlib.get_face_chip(portrait, detection, CHIP_PX, CHIP_PADDING)
    assert mean_error(face_chip(portrait, whole + 0.5), expected) < 2.0
    # Half a pixel off is told from right.
    assert mean_error(face_chip(portrait, whole), expected) > 3.0


def test_the_chip_does_not_depend_on_the_pictures_size(
    portrait: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> None:
    chip = face_chip(portrait, landmarks)
    for factor in (2, 4, 7):
        large = cv2.resize(portrait, (128 * factor, 128 * factor))
        chip_of_large = face_chip(np.asarray(large, np.uint8), landmarks * factor)
        assert mean_error(chip_of_large, chip) < 1.5


def test_a_similarity_is_found_from_its_effect() -> None:
    points = np.random.default_rng(1).normal(size=(5, 2)) * 40
    cosine, sine = 1.3 * np.cos(0.4), 1.3 * np.sin(0.4)
    truth = np.array([[cosine, -sine, 12.0], [sine, cosine, -5.0]])
    found = similarity_between(points, points @ truth[:, :2].T + truth[:, 2])
    assert found == pytest.approx(truth)


def test_cosines_worked_out_by_hand() -> None:
    a = np.array([3, 4], np.float32)
    assert cosine_similarity(a, 7 * a) == pytest.approx(1.0)
    assert cosine_similarity(a, np.array([4, -3], np.float32)) == pytest.approx(0.0)
    assert cosine_similarity(a, np.array([1, 0], np.float32)) == pytest.approx(0.6)


def test_one_man_stays_himself_and_is_nobody_else(
    portraits: list[NDArray[np.uint8]], somebody_else: NDArray[np.uint8], weights_dir: Path
) -> None:
    net, identities = load_identity_net(weights_dir), []
    with FaceReader() as reader:
        for picture in [*portraits, somebody_else]:
            seen = reader.read(picture)
            assert seen is not None
            identities.append(net.embed(face_chip(picture, seen.landmarks)))
    *man, other = identities
    to_himself = [cosine_similarity(man[0], later) for later in man[1:]]
    to_other = [cosine_similarity(frame, other) for frame in man]
    assert min(to_himself) > 0.95
    assert max(to_other) < 0.9
    # As its authors say: one person's identities lie within 0.6 of each other.
    assert max(float(np.linalg.norm(man[0] - later)) for later in man[1:]) < 0.6
    assert min(float(np.linalg.norm(frame - other)) for frame in man) > 0.6
