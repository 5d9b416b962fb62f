"""The paper's own numbers, for columns beside ours that say where they come from.

They were measured by others, on other clips, with their own implementations of the metrics:
to be read beside our figures, not compared digit by digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PAPER = (
    "Li, Liu, Peng, Zhai, Zhou: Resolution-Agnostic Neural Compression for High-Fidelity Portrait "
    "Video Conferencing via Implicit Radiance Fields, Tables 1–3"
)


@dataclass(frozen=True, slots=True)
class Quoted:
    """One column of published numbers.

    Attributes:
        name: as the paper calls it.
        kbps: derived from its PSNR and PSNR/b.r., since it prints no rates; None: neither.
        scores: by `Metric.key`. The paper does not say which network its LPIPS uses; it stands
            with AlexNet's, the metric's default.
        tradeoffs: as printed, by `Metric.key`.
    """

    name: str
    kbps: float | None
    scores: Mapping[str, float]
    tradeoffs: Mapping[str, float]


def _column(
    name: str,
    quality: tuple[float, float, float, float],
    quality_tradeoffs: tuple[float, float, float],
    fidelity: tuple[float, ...] = (),
    fidelity_tradeoffs: tuple[float, ...] = (),
) -> Quoted:
    scores = dict(zip(("l1", "ssim", "psnr_db", "lpips_alex"), quality, strict=True))
    tradeoffs = dict(zip(("ssim", "psnr_db", "lpips_alex"), quality_tradeoffs, strict=True))
    keys = ("csim", "aucon", "prmse_deg")
    if fidelity:
        scores |= zip(keys, fidelity, strict=True)
        tradeoffs |= zip(keys, fidelity_tradeoffs, strict=True)
    return Quoted(name, scores["psnr_db"] / tradeoffs["psnr_db"], scores, tradeoffs)


SYSTEMS = (
    _column(
        "FOMM",
        (0.038, 0.77, 24.37, 0.12),
        (0.04, 1.41, 2.07),
        (0.829, 0.856, 2.79),
        (0.048, 0.0495, 48.2),
    ),
    _column(
        "Bi-layer",
        (0.23, 0.55, 15.88, 0.44),
        (0.014, 0.41, 17.23),
        (0.518, 0.626, 4.86),
        (0.013, 0.016, 190.0),
    ),
    _column("HEVC", (0.019, 0.89, 28.83, 0.091), (0.068, 2.22, 1.21)),
    _column(
        "paper",
        (0.014, 0.95, 29.97, 0.048),
        (0.036, 1.144, 1.19),
        (0.956, 0.989, 1.21),
        (0.036, 0.0377, 31.7),
    ),
    _column(
        "paper (f.t.)",
        (0.015, 0.934, 30.85, 0.05),
        (0.077, 2.55, 0.6),
        (0.945, 0.967, 1.29),
        (0.078, 0.08, 15.609),
    ),
)
"""Tables 1 and 2. `f.t.` is its fine-tuning embedding."""

_ABLATION_KEYS = ("l1", "ssim", "psnr_db", "lpips_alex", "csim", "aucon", "prmse_deg")


def _setting(name: str, values: tuple[float, ...]) -> Quoted:
    return Quoted(name, None, dict(zip(_ABLATION_KEYS, values, strict=True)), {})


ABLATION = (
    _setting("w/o constraint", (0.019, 0.91, 28.68, 0.06, 0.94, 0.958, 1.31)),
    _setting("w. constraint", (0.015, 0.934, 30.85, 0.05, 0.945, 0.967, 1.29)),
)
"""Table 3: its head–torso consistency code."""
