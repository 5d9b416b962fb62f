"""How numbers become packets, as options of the commands that measure it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from codec.encoder import EncoderConfig

RecordedOption = Annotated[
    bool,
    typer.Option(
        "--recorded/--live",
        help="As encode writes packets to a file, or as a call sends them.",
    ),
]
PriceOption = Annotated[
    float,
    typer.Option(
        "--price-of-bit",
        min=0.0,
        metavar="SHARE",
        help="What share of the picture's squared error a bit has to save.",
    ),
]
QuantiserOption = Annotated[
    int,
    typer.Option(
        "--quantiser",
        min=-16,
        max=24,
        metavar="N",
        help="How coarse numbers are: four make a step twice as large.",
    ),
]
AnyLatencyOption = Annotated[
    float | None,
    typer.Option(
        "--latency-ms",
        min=0.0,
        max=1000.0,
        metavar="MS",
        help="How long a frame may wait for others that share its packet.",
        show_default="as recorded or live",
    ),
]


def encoder_config(
    recorded: bool,
    price_of_bit: float,
    quantiser: int,
    latency_ms: float | None,
    target_kbps: float | None = None,
) -> EncoderConfig:
    """What the options ask for.

    Args:
        recorded: as in a file, not as in a call.
        price_of_bit: as `codec.encoder.EncoderConfig` has it; so are the others.
        quantiser: see there.
        latency_ms: see there; None: what is usual for a file or a call.
        target_kbps: see there.
    """
    from codec.encoder import RECORDED, EncoderConfig

    usual = RECORDED if recorded else EncoderConfig()
    return replace(
        usual,
        price_of_bit=price_of_bit,
        quantiser=quantiser,
        latency_ms=usual.latency_ms if latency_ms is None else latency_ms,
        target_kbps=target_kbps,
    )
