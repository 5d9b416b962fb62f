"""What coding costs a portrait: pictures of decoded states against pictures of the states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from codec.decoder import Decoder
from codec.encoder import Encoder, EncoderConfig
from codec.face import FaceState
from codec.profile import Profile
from models.errors import NoFaceError
from models.evaluation.metrics import psnr_db
from models.evaluation.recording import CodedFrame
from models.portrait.renderer import PortraitRenderer
from models.portrait.speaker import Speaker

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class CodingLoss:
    """Of one profile on some frames.

    Attributes:
        unquantised_db: mean PSNR of pictures of the states as they are.
        lost_db: how much lower it is of what was decoded; below zero, coding mended something.
    """

    unquantised_db: float
    lost_db: float


def measure_coding_loss(
    frames: Sequence[CodedFrame],
    speaker: Speaker,
    profiles: Sequence[Profile],
    progress: Progress = lambda what, done, total: None,
    config: EncoderConfig | None = None,
) -> list[CodingLoss]:
    """Renders every frame as it is and as each profile brings it over.

    Args:
        frames: with portraits; those without a state are left out.
        speaker: who is in them.
        profiles: to be compared.
        progress: told about every picture.
        config: how frames become packets; None: as in a call.

    Raises:
        NoFaceError: none has a state.
    """
    seen = [frame for frame in frames if frame.state is not None and frame.portrait is not None]
    if not seen:
        raise NoFaceError(f"expected a face, got none in {len(frames)} frames")
    total = len(seen) * (1 + len(profiles))
    with PortraitRenderer(speaker) as renderer:

        def mean_db(states: Sequence[FaceState], before: int) -> float:
            figures = []
            for done, (frame, state) in enumerate(zip(seen, states, strict=True), 1):
                assert frame.portrait is not None
                picture = renderer.render(state, len(frame.portrait))
                figures.append(psnr_db(frame.portrait, picture))
                progress("rendering", before + done, total)
            return float(np.mean(figures))

        unquantised_db = mean_db([frame.state for frame in seen if frame.state is not None], 0)
        return [
            CodingLoss(
                unquantised_db,
                unquantised_db
                - mean_db(_brought_over(seen, speaker, profile, config), len(seen) * order),
            )
            for order, profile in enumerate(profiles, 1)
        ]


def _brought_over(
    frames: Sequence[CodedFrame],
    speaker: Speaker,
    profile: Profile,
    config: EncoderConfig | None,
) -> list[FaceState]:
    """States after their way through bytes."""
    encoder, decoder = (
        Encoder(speaker.id, speaker.signal, profile, config),
        Decoder(speaker.id, speaker.signal),
    )
    packets = [
        encoder.encode(frame.state, frame.sensitivity)
        for frame in frames
        if frame.state is not None
    ]
    packets.append(encoder.flush())
    return [state for packet in packets if packet is not None for state in decoder.decode(packet)]
