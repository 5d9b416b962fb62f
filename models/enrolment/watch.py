"""What happens beside the steps of a training: looks at held-out frames, preview, checkpoints.

Each has a budget of time: what takes long is done seldom.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import torch
from torch import Tensor

from models.enrolment.held_out import HeldOut
from models.enrolment.state import TrainState

LOOK_EVERY_S = 5.0
LOOK_SHARE = 0.025
"""Of the time, at most, that looking at held-out frames takes."""
PREVIEW_EVERY_S = 10.0
PREVIEW_SHARE = 0.08
CHECKPOINT_EVERY_S = 20.0
CHECKPOINT_SHARE = 0.1


class Watch:
    """Watches over one training.

    Args:
        clock: seconds.
        checkpoint: file that the training is kept in, and continued from if it is there.
        preview: PNG file: source beside rendering of a held-out frame.
        stopped: whether somebody asked for the end.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        checkpoint: Path | None = None,
        preview: Path | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._checkpoint = checkpoint
        self._preview = preview
        self.stopped = stopped
        self._looks = _Turn(clock, LOOK_EVERY_S, LOOK_SHARE)
        self._previews = _Turn(clock, PREVIEW_EVERY_S, PREVIEW_SHARE)
        self._checkpoints = _Turn(clock, CHECKPOINT_EVERY_S, CHECKPOINT_SHARE)

    def resume(self, state: TrainState) -> bool:
        """Brings a training back to where it was killed; False: there is nothing to resume.

        Raises:
            EnrolmentError: the checkpoint cannot be used.
        """
        if self._checkpoint is None or not self._checkpoint.is_file():
            return False
        state.load(self._checkpoint)
        return True

    def after_step(self, state: TrainState, held_out: HeldOut) -> None:
        """Does what is due.

        Args:
            state: after a step.
            held_out: frames to look at.
        """
        if self._looks.begin():
            state.held_out_db = held_out.look(state.field, state.embedding, state.occupancy)
            self._looks.end()
        if self._preview is not None and self._previews.begin():
            pictures = held_out.picture(state.field, state.embedding, state.occupancy)
            write_preview(self._preview, *pictures)
            self._previews.end()
        if self._checkpoint is not None and self._checkpoints.begin():
            state.save(self._checkpoint)
            self._checkpoints.end()

    def keep(self, state: TrainState) -> None:
        """Keeps a training that was asked to end before its time."""
        if self._checkpoint is not None:
            state.save(self._checkpoint)


class _Turn:
    """Something that is due every so often, and takes no more than a share of the time."""

    def __init__(self, clock: Callable[[], float], every_s: float, share: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._share = share
        self._due_s = clock() + every_s
        self._began_s = 0.0

    def begin(self) -> bool:
        """Whether it is due; if so, its time counts from now."""
        self._began_s = self._clock()
        return self._began_s >= self._due_s

    def end(self) -> None:
        """It is done."""
        now_s = self._clock()
        self._due_s = now_s + max(self._every_s, (now_s - self._began_s) / self._share)


def write_preview(path: Path, portrait: Tensor, drawn: Tensor) -> None:
    """Writes two (S, S, 3) uint8 pictures side by side.

    The file is replaced in one piece, so that a viewer never reads half of a picture.
    """
    rgb = torch.cat([portrait, drawn], dim=1).cpu().numpy()
    coded, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    assert coded, "three channels of eight bits are always a PNG"
    temporary = path.with_name(f"{path.name}.part")
    temporary.write_bytes(data.tobytes())
    temporary.replace(path)
