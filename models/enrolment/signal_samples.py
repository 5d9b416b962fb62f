"""What the closed loop finds in frames of enrolment: what a sender of the speaker will send."""

from __future__ import annotations

import logging
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from codec.face import EXPRESSION_DIM, POSE_DIM, TORSO_DIM, FaceState
from codec.sensitivity import Sensitivity
from codec.signal import STEP
from models.enrolment.signal import SignalSamples
from models.errors import KernelError
from models.face.dataset import TrackedDataset
from models.face.model import FaceModel
from models.portrait.closed_loop.config import LoopConfig
from models.portrait.closed_loop.making import loop_of
from models.portrait.weights import FieldWeights

logger = logging.getLogger(__name__)

FRAME_S = 0.06
"""What a frame takes, about."""
RUN = 24
"""Frames that follow each other, where not all can be looked at."""
USUAL_STEPS = np.repeat(
    [0.1, 0.002, 0.02, 0.1, 0.0015, 0.0004], [EXPRESSION_DIM, POSE_DIM // 2, 2, 1, TORSO_DIM - 2, 2]
)
"""Changes of the person's numbers that show alike, about: where nothing better is known."""


def sample_signal(
    dataset: TrackedDataset,
    numbers: NDArray[np.float32],
    weights: FieldWeights,
    face: FaceModel,
    spread: NDArray[np.float32],
    seconds: float,
) -> SignalSamples:
    """Goes over frames of enrolment as a sender does.

    Args:
        dataset: the frames.
        numbers: (N, CHANNELS) of all of them, as they were learned from.
        weights: the field.
        face: the speaker's.
        spread: (30,) standard deviation of the expression code.
        seconds: that it may take.
    """
    chosen = choose_frames(len(dataset), max(RUN, int(seconds / FRAME_S)))
    follows = np.zeros(len(chosen), np.bool_)
    follows[1:] = np.diff(dataset.indices[chosen]) == 1
    states = [FaceState.from_vector(numbers[index], index) for index in chosen.tolist()]
    config = LoopConfig(size=dataset.size, steps=2)
    seen: list[Sensitivity | None] = []
    try:
        with closing(loop_of(weights, face, spread, config)) as loop:
            for at, index in enumerate(chosen.tolist()):
                states[at], sensitivity = loop.refine(states[at], dataset.portraits[index])
                seen.append(sensitivity)
    except (KernelError, RuntimeError) as error:
        # Without kernels a sender has no closed loop either.
        logger.warning("what matters in the signal is guessed: %.200s", error)
        seen = [None] * len(states)
    usual = np.diag(STEP**2 / 4.0 / USUAL_STEPS**2)
    return SignalSamples(
        np.array([state.vector() for state in states], np.float64),
        np.array([usual if one is None else one.curvature for one in seen]),
        follows,
    )


def choose_frames(count: int, most: int) -> NDArray[np.int64]:
    """Numbers of at most so many frames of `count`: all, or runs of them from everywhere."""
    if count <= most:
        return np.arange(count)
    runs = max(1, most // RUN)
    starts = np.linspace(0, count - RUN, runs).round().astype(int)
    return np.unique(np.concatenate([np.arange(start, start + RUN) for start in starts]))
