"""Frames measured anew, on the way: by the closed loop that a sender runs.

The field is learned from what the tracker measured, but shown what the closed loop makes of it
(`models.portrait.closed_loop`). So once the field is good enough the loop goes over the frames
of enrolment, too, and training goes on with the poses and torso motions that it found. The code
is left to the embedding, which learns along.
"""

from __future__ import annotations

import logging
from contextlib import closing

import numpy as np
import torch
from torch import Tensor

from codec.face import EXPRESSION_DIM, POSE_DIM, TORSO_DIM, FaceState
from models.enrolment.batches import Frames
from models.errors import KernelError
from models.face.model import FaceModel
from models.portrait.closed_loop.config import LoopConfig
from models.portrait.closed_loop.making import loop_of
from models.portrait.weights import FieldWeights

logger = logging.getLogger(__name__)

FRAME_S = 0.03
"""What a frame takes, about."""
MOST_SHARE = 0.03
"""Of a training's time, that one round may take."""
MOTION = slice(EXPRESSION_DIM, EXPRESSION_DIM + POSE_DIM + TORSO_DIM)


def is_worthwhile(frames: int, seconds: float) -> bool:
    """Whether a training has the time."""
    return frames * FRAME_S <= MOST_SHARE * seconds


def measured_anew(frames: Frames, codes: Tensor, weights: FieldWeights, face: FaceModel) -> Tensor:
    """(N, 12) poses and torso motions of frames, corrected; as they were if nothing can draw.

    Args:
        frames: in the order of time.
        codes: (N, 30) of them.
        weights: the field as it is.
        face: the speaker's.
    """
    size = frames.portraits.shape[1]
    # No spread: the code stays what the embedding says.
    still = np.zeros(EXPRESSION_DIM, np.float32)
    numbers = torch.cat([codes, frames.motion(), frames.background], 1).cpu().numpy()
    try:
        with closing(loop_of(weights, face, still, LoopConfig(size=size))) as loop:
            found = [
                loop.refine(FaceState.from_vector(vector, 0), portrait)[0].vector()[MOTION]
                for vector, portrait in zip(numbers, frames.portraits.cpu().numpy(), strict=True)
            ]
    except (KernelError, RuntimeError) as error:
        # A portrait from tracked frames is better than none.
        logger.warning("frames stay as the tracker measured them: %.200s", error)
        return frames.motion()
    return torch.from_numpy(np.array(found)).to(frames.poses)
