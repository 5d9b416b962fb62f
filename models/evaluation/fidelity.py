"""What the fast way of drawing costs: against plain torch, and against the camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.face import FaceState
from models.evaluation.metrics import psnr_db
from models.portrait.renderer import PortraitRenderer
from models.portrait.speaker import Speaker


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How near the fast path is to its twin.

    Attributes:
        twin_db: mean PSNR of its pictures against those of plain torch.
        lost_db: how much lower its mean PSNR against the camera is than that of plain torch.
    """

    twin_db: float
    lost_db: float


def measure_fidelity(
    speaker: Speaker,
    states: Sequence[FaceState],
    portraits: Sequence[NDArray[np.uint8]],
    device: str = "auto",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Fidelity | None:
    """Draws every state in both ways.

    Args:
        speaker: who is drawn.
        states: at least one.
        portraits: (N, N, 3) uint8 each, what the camera saw; pictures are drawn at their size.
        device: as `PortraitRenderer` has it.
        progress: told about every state.

    Returns:
        None where plain torch is the only way.

    Raises:
        ModelError: the device is impossible.
    """
    to_twin, fast_db, plain_db = [], [], []
    with (
        PortraitRenderer(speaker, device) as fast,
        PortraitRenderer(speaker, device, path="torch") as plain,
    ):
        if fast.path == plain.path:
            return None
        for done, (state, portrait) in enumerate(zip(states, portraits, strict=True), 1):
            drawn = fast.render(state, len(portrait))
            twin = plain.render(state, len(portrait))
            to_twin.append(psnr_db(twin, drawn))
            fast_db.append(psnr_db(portrait, drawn))
            plain_db.append(psnr_db(portrait, twin))
            progress("comparing", done, len(states))
    lost_db = float(np.mean(plain_db) - np.mean(fast_db))
    return Fidelity(float(np.mean(to_twin)), lost_db)
