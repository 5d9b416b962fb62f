"""A real face, tracked once for all tests of this folder."""

import numpy as np
import pytest

from models.clip import read_clip
from models.face.basis import load_basis
from models.face.embedding import SHAPES, EmbeddingWeights
from models.face.track_clip import track_clip
from models.face.tracker import FaceTracker

FRAMES = slice(0, 48)


@pytest.fixture(scope="session")
def basis():
    return load_basis()


@pytest.fixture(scope="session")
def real_frames(real_clip):
    return list(read_clip(real_clip, FRAMES))


@pytest.fixture(scope="session")
def observations(real_frames):
    with FaceTracker() as tracker:
        return [tracker.track(frame.rgb, frame.pts_ms) for frame in real_frames]


@pytest.fixture(scope="session")
def dataset(real_clip):
    return track_clip(real_clip, FRAMES, size=64, person_masks=True)


@pytest.fixture
def weights():
    """An embedding that was never trained, but answers to everything it is given."""
    rng = np.random.default_rng(3)
    tensors = {
        name: rng.normal(0, 0.08, shape).astype(np.float32) for name, shape in SHAPES.items()
    }
    return EmbeddingWeights(tensors)
