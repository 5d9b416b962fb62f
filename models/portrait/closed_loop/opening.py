"""A speaker's analyzer with or without the closed loop."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from models.errors import KernelError
from models.face.analyzer import FaceAnalyzer
from models.portrait.closed_loop.background_loop import BackgroundLoop
from models.portrait.closed_loop.config import UNHURRIED_PIXELS, LoopConfig
from models.portrait.closed_loop.making import make_loop
from models.portrait.speaker import Speaker

if TYPE_CHECKING:
    from models.portrait.closed_loop.loop import ClosedLoop

logger = logging.getLogger(__name__)


class Loop(StrEnum):
    """Whether what is tracked is corrected by what the receiver will draw.

    EVERY: at every frame, however long it takes.
    LIVE: beside the stream, as often as the machine has time for it.
    OPEN: not at all.
    """

    EVERY = "every"
    LIVE = "live"
    OPEN = "open"


@contextmanager
def open_analyzer(
    speaker: Speaker, loop: Loop, portrait_size: int | None = None, steps: int = 1
) -> Iterator[FaceAnalyzer]:
    """Opens a speaker's analyzer; where the closed loop cannot work, without it.

    Args:
        speaker: who is in the frames.
        loop: how the closed loop works.
        portrait_size: as `FaceAnalyzer` takes it.
        steps: of the closed loop on a frame, where it steps on every frame.

    Raises:
        SpeakerFileError: the speaker was made with another expression basis, or its field does
            not fit its configuration.
        ModelError: the tracker's model is missing.
    """
    unhurried = LoopConfig(steps=steps, pixels=UNHURRIED_PIXELS)
    corrector = _corrector(speaker, loop, unhurried if loop is Loop.EVERY else LoopConfig())
    try:
        with FaceAnalyzer(speaker.face, portrait_size, corrector=corrector) as analyzer:
            yield analyzer
    finally:
        if corrector is not None:
            corrector.close()


def _corrector(
    speaker: Speaker, loop: Loop, config: LoopConfig
) -> BackgroundLoop | ClosedLoop | None:
    if loop is Loop.OPEN:
        return None
    if loop is Loop.LIVE:
        return BackgroundLoop(lambda: make_loop(speaker, config), config.size)
    try:
        return make_loop(speaker, config)
    except KernelError as error:
        logger.warning("no closed loop: %.200s", error)
        return None
