"""Frames measured anew, halfway: by the closed loop that a sender runs.

The field is learned from what the tracker measured, but shown what the closed loop makes of it
(`models.portrait.closed_loop`). So once the field is good enough the loop goes over the frames
of enrolment, too, and training goes on with the poses and torso motions that it found. The code
is left to the embedding, which learns along.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from codec.face import EXPRESSION_DIM, FaceState
from models.enrolment.batches import Frames
from models.face.camera import CameraIntrinsics
from models.face.torso import TorsoReference
from models.portrait.closed_loop.config import LoopConfig
from models.portrait.rays import rotation_matrix
from models.portrait.weights import FieldWeights


def refined(
    frames: Frames,
    codes: Tensor,
    weights: FieldWeights,
    camera: CameraIntrinsics,
    torso: TorsoReference,
) -> Frames:
    """The frames with poses and torso motions corrected, on a CPU.

    Args:
        frames: in the order of time.
        codes: (N, 30) of them.
        weights: the field as it is.
        camera: of the portrait.
        torso: where the torso is.
    """
    from models.portrait.closed_loop.loop import ClosedLoop

    size = frames.portraits.shape[1]
    # No spread: the code stays what the embedding says.
    loop = ClosedLoop(
        weights, camera, np.zeros(EXPRESSION_DIM, np.float32), torso.weight, LoopConfig(size=size)
    )
    numbers = torch.cat([codes, frames.poses, frames.torso, frames.background], 1).cpu().numpy()
    found = []
    try:
        for vector, portrait in zip(numbers, frames.portraits.cpu().numpy(), strict=True):
            state = loop.refine(FaceState.from_vector(vector, 0), portrait)
            found.append(state.vector()[EXPRESSION_DIM:-4])
    finally:
        loop.close()
    new = torch.from_numpy(np.array(found)).to(frames.poses)
    poses, motions = new[:, :6].contiguous(), new[:, 6:].contiguous()
    return replace(frames, poses=poses, rotations=rotation_matrix(poses[:, :3]), torso=motions)
