"""How a speaker is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train.

    Attributes:
        seconds: wall-clock time for training, priming included.
        max_steps: trains for so many steps instead, however long they take.
        head_steps: steps that give the head its rough shape.
        backdrop_steps: steps that give torso and background their colours.
        frames_per_step: frames in a step.
        pixels_per_frame: pixels of each.
        plane_rate: Adam's step for feature planes.
        network_rate: Adam's step for everything else.
        background_rate: Adam's step for the background, which is nearly known beforehand.
        final_rate: the rates' factor at the end of an exponential decay.
        detail_share: share of pixels drawn about eyes and mouth; the others go where training
            still errs.
        code_noise: width of the uniform noise on the code that stands for quantisation.
        rate_weight: weight of a bit of each of the code's numbers, frame after frame.
        patch_from: share of the training after which every second step looks at squares.
        patch_px: their side.
        patch_weight: weight of `dissimilarity` on them.
        coarse_weight: weight of the coarse photometric error (Eq. 4).
        proposal_weight: weight of `proposal_loss`.
        distortion_weight: weight of `distortion`, of both fields.
        clear_weight: weight of the opacity of pixels that surely show no person.
        hole_weight: weight of `holes`.
        bend_weight: weight of the mean square of the displacements of space, cm².
        refine_at: shares of the training at which the frames are measured anew, if it has the
            time.
        balanced: whether frames that are like few others are drawn more often.
        frozen: beginnings of names of weights that stay zero, `field.` or `embedding.` before
            them: what an ablation leaves out.
        occupancy_every: steps between updates of the occupancy grid.
        seed: of all randomness.
    """

    seconds: float
    max_steps: int | None = None
    head_steps: int = 80
    backdrop_steps: int = 100
    frames_per_step: int = 4
    pixels_per_frame: int = 1536
    plane_rate: float = 3.5e-2
    network_rate: float = 5e-3
    background_rate: float = 2e-3
    final_rate: float = 0.1
    detail_share: float = 0.15
    code_noise: float = 0.05
    rate_weight: float = 2e-5
    patch_from: float = 0.4
    patch_px: int = 32
    patch_weight: float = 0.04
    coarse_weight: float = 0.1
    proposal_weight: float = 0.05
    distortion_weight: float = 1e-3
    clear_weight: float = 1e-2
    hole_weight: float = 2e-2
    bend_weight: float = 1e-5
    refine_at: tuple[float, ...] = (0.35, 0.65)
    balanced: bool = True
    frozen: tuple[str, ...] = ()
    occupancy_every: int = 100
    seed: int = 0
