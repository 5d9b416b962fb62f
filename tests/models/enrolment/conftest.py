"""A few tracked frames of the real clip, for everything that learns."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.face.dataset import TrackedDataset
from models.face.track_clip import track_clip


@pytest.fixture(scope="session")
def tracked(real_clip: Path) -> TrackedDataset:
    """40 frames of the default clip at 64², with person masks."""
    return track_clip(real_clip, slice(0, 400, 10), 64, person_masks=True)
