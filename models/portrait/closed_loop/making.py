"""A closed loop, where this machine can run one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.errors import KernelError
from models.face.model import FaceModel
from models.portrait.closed_loop.config import LoopConfig
from models.portrait.speaker import Speaker
from models.portrait.weights import FieldWeights, unpack_field

if TYPE_CHECKING:
    from models.portrait.closed_loop.loop import ClosedLoop


def make_loop(speaker: Speaker, config: LoopConfig) -> ClosedLoop:
    """Makes a speaker's closed loop, compiling its kernels if this machine never did.

    Raises:
        KernelError: the kernels do not know a field of this shape, or do not work here.
        SpeakerFileError: the field's tensors do not fit their configuration.
    """
    embedding = speaker.face.embedding
    assert embedding is not None, "a speaker file has one"
    weights = unpack_field(speaker.field_config, speaker.tensors)
    return loop_of(weights, speaker.face, embedding.tensors["spread"], config)


def loop_of(
    weights: FieldWeights, face: FaceModel, spread: NDArray[np.float32], config: LoopConfig
) -> ClosedLoop:
    """Makes the closed loop of a field.

    Args:
        weights: the field.
        face: whose it is.
        spread: (30,) standard deviation of the expression code; 0: the loop leaves it alone.
        config: how the loop works.

    Raises:
        KernelError: the kernels do not know a field of this shape, or do not work here.
    """
    try:
        # The kernels take half a second to import and seconds to compile: not in the way of a
        # start. And Warp may not be there at all, or not work on this machine.
        from models.portrait.closed_loop.loop import ClosedLoop
        from models.portrait.kernels.painter import unsupported

        if (reason := unsupported(weights.config)) is not None:
            raise KernelError(reason)
        torso, torso_spread = face.torso.weight, face.habit.spread
        return ClosedLoop(weights, face.camera, spread, torso, torso_spread, config)
    except (ImportError, RuntimeError) as error:
        raise KernelError(f"closed loop: expected kernels that work, got {error}") from error
