"""A speaker file of a small field that nobody has trained."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path


@cache
def small_speaker() -> bytes:
    """Returns its bytes."""
    import torch

    from models.portrait.field import SpeakerField
    from models.portrait.occupancy import Occupancy
    from models.portrait.restore import field_weights
    from models.portrait.speaker import save_speaker
    from models.portrait.weights import pack_field
    from tests.models.portrait.test_speaker import SIGNAL, SMALL, _face

    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.speaker"
        tensors = pack_field(field_weights(SpeakerField(SMALL), Occupancy()))
        save_speaker(path, _face(), SMALL, tensors, SIGNAL, {})
        return path.read_bytes()
