"""Points as a comparison would measure them, by formula instead of hours."""

from __future__ import annotations

from fractions import Fraction

from models.evaluation.codecs.coding import Mode, Payload
from models.evaluation.comparison.points import OURS, Point, System

COMPACT = System(OURS, "compact")
LOSSLESS = System(OURS, "lossless")
AV1 = System("SVT-AV1", Mode.LOW_DELAY)
X265 = System("x265", Mode.LOW_DELAY)
X265_OFFLINE = System("x265", Mode.OFFLINE)
RUNGS_KBPS = (6.0, 12.0, 24.0, 48.0)


def point(
    system: System,
    kbps: float,
    psnr_db: float,
    rung_kbps: float | None = None,
    side_px: int = 256,
    clip: str = "a",
    **scores: float,
) -> Point:
    """A second of 25 frames, half of its bytes in the first one."""
    total_bytes = round(kbps * 125)
    payload = Payload(total_bytes, total_bytes // 2, 25, Fraction(25))
    return Point(clip, system, side_px, rung_kbps, payload, "", {"psnr_db": psnr_db, **scores})


def measured(clip: str = "a", side_px: int = 256) -> list[Point]:
    """nerfcall at 4 and 12 kbps with 30 dB, and codecs that gain 3 dB an octave.

    At 6 kbps and 256 px: AV1 24 dB, so 30 dB at 24 kbps; x265 23 dB, and 25 dB offline.
    Four times the pixels need twice the rate.
    """
    octave = {128: 0.5, 256: 1.0, 512: 2.0}[side_px]
    points = [point(COMPACT, 4, 30.0, None, side_px, clip, ssim=0.9, l1=0.01, csim=0.95)]
    if side_px == 256:
        points.append(point(LOSSLESS, 12, 30.1, None, side_px, clip, ssim=0.91, l1=0.01, csim=0.95))
    for system, start_db in ((AV1, 24.0), (X265, 23.0), (X265_OFFLINE, 25.0)):
        for place, rung in enumerate((None, *RUNGS_KBPS)):
            steps = max(0, place - 1)
            points.append(
                point(
                    system,
                    (rung or 6.0) * octave,
                    start_db + 3.0 * steps,
                    rung,
                    side_px,
                    clip,
                    ssim=0.7 + 0.05 * steps,
                    l1=0.05 - 0.01 * steps,
                    csim=0.5 + 0.1 * steps,
                )
            )
    return points
