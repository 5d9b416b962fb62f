"""Opus for speech at a few kilobits (RFC 6716): encoder, and decoder with concealment."""

from __future__ import annotations

import ctypes
import weakref

import numpy as np
from numpy.typing import NDArray

from client.errors import SoundError
from client.sound.libopus import (
    APPLICATION_VOIP,
    SET_BITRATE,
    SET_COMPLEXITY,
    SET_VBR,
    checked,
    libopus,
)

SAMPLE_HZ = 48_000
FRAME_MS = 60
FRAME_SAMPLES = SAMPLE_HZ * FRAME_MS // 1000
DEFAULT_BITRATE_BPS = 8_000
STEP_SAMPLES = SAMPLE_HZ * 5 // 2000
"""2.5 ms: what is concealed comes in multiples of it."""
MAX_PACKET_BYTES = 1275
MAX_SAMPLES = SAMPLE_HZ * 120 // 1000

Samples = NDArray[np.int16]


class OpusEncoder:
    """Encodes one stream of mono sound."""

    def __init__(
        self,
        bitrate_bps: int = DEFAULT_BITRATE_BPS,
        *,
        application: int = APPLICATION_VOIP,
        complexity: int = 10,
        constant_size: bool = False,
    ) -> None:
        """Prepares a stream.

        Args:
            bitrate_bps: from 6000 on, on average while somebody speaks.
            application: `APPLICATION_VOIP` models speech, `APPLICATION_AUDIO` keeps the wave.
            complexity: 0 to 10: how long it searches.
            constant_size: of every packet of frames of one length, in place of an average.

        Raises:
            SoundError: there is no libopus, or it refuses.
        """
        self._library = libopus()
        error = ctypes.c_int()
        self._handle = ctypes.c_void_p(
            self._library.opus_encoder_create(SAMPLE_HZ, 1, application, ctypes.byref(error))
        )
        checked(error.value)
        weakref.finalize(self, self._library.opus_encoder_destroy, self._handle)
        settings = {
            SET_BITRATE: bitrate_bps,
            SET_COMPLEXITY: complexity,
            SET_VBR: int(not constant_size),
        }
        for request, value in settings.items():
            checked(self._library.opus_encoder_ctl(self._handle, request, ctypes.c_int32(value)))

    def encode(self, samples: Samples) -> bytes:
        """Encodes the next frame.

        Args:
            samples: (N,) int16 at 48 kHz; 10, 20, 40 or 60 ms.

        Returns:
            One Opus packet.

        Raises:
            SoundError: a frame of another length.
        """
        wave = np.ascontiguousarray(samples, np.int16)
        packet = ctypes.create_string_buffer(MAX_PACKET_BYTES)
        size = self._library.opus_encode(
            self._handle, _pointer(wave), len(wave), packet, MAX_PACKET_BYTES
        )
        return packet.raw[: checked(size)]


class OpusDecoder:
    """Decodes one stream of mono sound, and makes up for what never came."""

    def __init__(self) -> None:
        """Prepares a stream.

        Raises:
            SoundError: there is no libopus.
        """
        self._library = libopus()
        error = ctypes.c_int()
        self._handle = ctypes.c_void_p(
            self._library.opus_decoder_create(SAMPLE_HZ, 1, ctypes.byref(error))
        )
        checked(error.value)
        weakref.finalize(self, self._library.opus_decoder_destroy, self._handle)

    def decode(self, packet: bytes) -> Samples:
        """Decodes the next packet.

        Returns:
            (N,) int16 at 48 kHz.

        Raises:
            SoundError: it is damaged.
        """
        if not packet:
            raise SoundError("expected an Opus packet, got nothing")
        return self._decode(packet, MAX_SAMPLES)

    def conceal(self, count: int) -> Samples:
        """Goes on as the sound before would have: fading into the noise of the room.

        Args:
            count: samples; a multiple of `STEP_SAMPLES`, at most `MAX_SAMPLES`.
        """
        return self._decode(None, count)

    def _decode(self, packet: bytes | None, count: int) -> Samples:
        wave = np.zeros(count, np.int16)
        size = 0 if packet is None else len(packet)
        decoded = self._library.opus_decode(self._handle, packet, size, _pointer(wave), count, 0)
        return wave[: checked(decoded)]


def duration_samples(packet: bytes) -> int:
    """How long a packet sounds, in samples of 48 kHz; tells it from its first two bytes.

    Raises:
        SoundError: it is no Opus packet.
    """
    return checked(libopus().opus_packet_get_nb_samples(packet, len(packet), SAMPLE_HZ))


def _pointer(wave: Samples) -> object:
    return wave.ctypes.data_as(ctypes.POINTER(ctypes.c_int16))
