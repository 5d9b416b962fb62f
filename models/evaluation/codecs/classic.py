"""The classic codecs and how they are run, in a call and for a file.

All are run at constant quality: with a quantiser chosen for the whole clip, a codec spends its
bits better than its rate control does, which at a few kbps overshoots the target and starves
the frames after the first. What they lose in a real call is thus given to them. The low-delay
settings are slower than those of calls, too, yet fast enough for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import av

from models.evaluation.codecs.coding import Mode

NO_NEW_KEY_FRAME = "9999"
"""Frames until the next key frame: never. A call sends one at its start."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to run one encoder.

    Attributes:
        name: of the codec, for people.
        mode: in a call or for a file.
        encoder: FFmpeg's name.
        decoder: FFmpeg's name.
        options: of the encoder, in FFmpeg's names, all but the quantiser.
        finest: quantiser beyond which no conversation is coded.
        coarsest: the largest quantiser that the encoder knows.
        carries_advertisement: the first packet holds a text about the encoder, which decoding
            does not need and a call would not send.
    """

    name: str
    mode: Mode
    encoder: str
    decoder: str
    options: tuple[tuple[str, str], ...]
    finest: int
    coarsest: int
    carries_advertisement: bool = False


_X264 = (("g", NO_NEW_KEY_FRAME), ("sc_threshold", "0"))
_X265 = "log-level=error:keyint=-1:scenecut=0:info=0"
_SVT = "keyint=-1:scd=0:lp=1"
_VP9 = (("deadline", "good"), ("b", "0"), ("g", NO_NEW_KEY_FRAME))

SETTINGS = (
    Setting(
        *("SVT-AV1", Mode.LOW_DELAY, "libsvtav1", "libdav1d"),
        # pred-struct 1 predicts from the past alone.
        options=(("preset", "6"), ("svtav1-params", f"{_SVT}:pred-struct=1:lookahead=0")),
        finest=10,
        coarsest=63,
    ),
    Setting(
        *("x265", Mode.LOW_DELAY, "libx265", "hevc"),
        options=(("preset", "medium"), ("tune", "zerolatency"), ("x265-params", _X265)),
        finest=10,
        coarsest=51,
    ),
    Setting(
        *("VP9", Mode.LOW_DELAY, "libvpx-vp9", "vp9"),
        options=(*_VP9, ("cpu-used", "4"), ("lag-in-frames", "0"), ("auto-alt-ref", "0")),
        finest=10,
        coarsest=63,
    ),
    Setting(
        *("x264", Mode.LOW_DELAY, "libx264", "h264"),
        options=(*_X264, ("preset", "medium"), ("tune", "zerolatency")),
        finest=10,
        coarsest=51,
        carries_advertisement=True,
    ),
    Setting(
        *("SVT-AV1", Mode.OFFLINE, "libsvtav1", "libdav1d"),
        options=(("preset", "4"), ("svtav1-params", _SVT)),
        finest=10,
        coarsest=63,
    ),
    Setting(
        *("x265", Mode.OFFLINE, "libx265", "hevc"),
        options=(("preset", "slower"), ("x265-params", _X265)),
        finest=10,
        coarsest=51,
    ),
    Setting(
        *("VP9", Mode.OFFLINE, "libvpx-vp9", "vp9"),
        options=(*_VP9, ("cpu-used", "1"), ("lag-in-frames", "25"), ("auto-alt-ref", "1")),
        finest=10,
        coarsest=63,
    ),
    Setting(
        *("x264", Mode.OFFLINE, "libx264", "h264"),
        options=(*_X264, ("preset", "veryslow")),
        finest=10,
        coarsest=51,
        carries_advertisement=True,
    ),
)
"""The best codec first."""


def available(settings: tuple[Setting, ...] = SETTINGS) -> tuple[list[Setting], list[str]]:
    """Splits settings into those that this build of FFmpeg can run and the names of the others.

    Returns:
        The settings, and for each that is missing a line such as `x265 (low delay): no encoder
        libx265`.
    """
    present: list[Setting] = []
    missing: list[str] = []
    for setting in settings:
        lacks = [
            f"no {kind} {name}"
            for kind, name, way in (
                ("encoder", setting.encoder, "w"),
                ("decoder", setting.decoder, "r"),
            )
            if not _knows(name, way)
        ]
        if lacks:
            missing.append(f"{setting.name} ({setting.mode}): {', '.join(lacks)}")
        else:
            present.append(setting)
    return present, missing


def _knows(name: str, way: str) -> bool:
    try:
        av.Codec(name, "w" if way == "w" else "r")
    except (ValueError, av.FFmpegError):
        return False
    return True
