"""The Opus library itself, which says more than FFmpeg's wrapper lets through.

PyAV's wheels bring libopus along, but FFmpeg's decoder has no way to ask for what was lost
(RFC 6716, 4.4). So the same library is called directly; where PyAV was built against the
system's FFmpeg, its libopus is the system's too.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import av

from client.errors import SoundError

APPLICATION_VOIP, APPLICATION_AUDIO = 2048, 2049
SET_BITRATE, SET_VBR, SET_COMPLEXITY = 4002, 4006, 4010
_FOLDERS = ("av.libs", "av/.dylibs")
"""Where wheels keep their libraries, on Linux and Windows, and on macOS."""


@cache
def libopus() -> ctypes.CDLL:
    """The library, with its functions' types.

    Raises:
        SoundError: it is nowhere.
    """
    for name in _candidates():
        try:
            return _typed(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
    raise SoundError("expected libopus beside PyAV or in the system, got neither")


def checked(result: int) -> int:
    """What a function returned, if that is no error.

    Raises:
        SoundError: it is one.
    """
    if result < 0:
        raise SoundError(f"expected Opus to work, got: {libopus().opus_strerror(result).decode()}")
    return result


def _candidates() -> Iterator[str]:
    packages = Path(av.__file__).parent.parent
    for folder in _FOLDERS:
        yield from (str(path) for path in sorted((packages / folder).glob("libopus*")))
    system = ctypes.util.find_library("opus")
    if system is not None:
        yield system


def _typed(library: ctypes.CDLL) -> ctypes.CDLL:
    samples, handle = ctypes.POINTER(ctypes.c_int16), ctypes.c_void_p
    error, number = ctypes.POINTER(ctypes.c_int), ctypes.c_int
    signatures = {
        "opus_strerror": (ctypes.c_char_p, [number]),
        "opus_encoder_create": (handle, [ctypes.c_int32, number, number, error]),
        "opus_encoder_destroy": (None, [handle]),
        "opus_encode": (
            ctypes.c_int32,
            [handle, samples, number, ctypes.c_char_p, ctypes.c_int32],
        ),
        "opus_decoder_create": (handle, [ctypes.c_int32, number, error]),
        "opus_decoder_destroy": (None, [handle]),
        "opus_decode": (
            number,
            [handle, ctypes.c_char_p, ctypes.c_int32, samples, number, number],
        ),
        "opus_packet_get_nb_samples": (
            number,
            [ctypes.c_char_p, ctypes.c_int32, ctypes.c_int32],
        ),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    # Takes any number of arguments: only the named ones may have a type (ctypes, variadic).
    library.opus_encoder_ctl.argtypes = [handle, number]
    library.opus_encoder_ctl.restype = number
    return library
