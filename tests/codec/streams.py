"""Streams of face states for the codec's tests, the same on every machine."""

import numpy as np

from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.errors import PacketError
from codec.face import CHANNELS, FaceState, Tracking
from codec.quantize import Profile

SPEAKER = "0123456789abcdef" * 4
OTHER_SPEAKER = "fedcba9876543210" * 4
STEPS = np.array(
    [0.1] * 30
    + [0.002] * 3
    + [0.02, 0.02, 0.1]
    + [0.0015] * 4
    + [0.0004] * 2
    + [0.0006] * 2
    + [0.0004] * 2,
    np.float32,
)
REST = np.array([0.0] * 30 + [0.1, -0.2, 0.0] + [1.0, -2.0, -40.0] + [0.0] * 10, np.float32)
BACKGROUND = slice(42, 46)


def talking_head(frames, seed=0, interval_ms=40, first_pts_ms=0, panning=False):
    """Smooth random motion around a rest pose, a few steps a frame; the camera's if it pans."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((frames + 24, CHANNELS))
    kernel = np.hanning(24) / np.linalg.norm(np.hanning(24))
    motion = np.stack([np.convolve(noise[:, c], kernel, "valid")[:frames] for c in range(CHANNELS)])
    if not panning:
        motion[BACKGROUND] = 0.0
    vectors = REST + 10 * STEPS * motion.T.astype(np.float32)
    return [
        FaceState.from_vector(vector, first_pts_ms + index * interval_ms)
        for index, vector in enumerate(vectors)
    ]


def counted_state(index, tracking=Tracking.FACE):
    """A state whose every number is a small multiple of its step, without any random numbers."""
    multiples = [(index * (channel + 1) * 7) % 23 - 11 for channel in range(CHANNELS)]
    return FaceState.from_vector(np.array(multiples, np.float32) * STEPS, index * 40, tracking)


def encode_all(states, profile=Profile.COMPACT, config=None, speaker=SPEAKER):
    encoder = Encoder(speaker, STEPS, profile, config)
    return [encoder.encode(state) for state in states]


def decode_those_that_arrive(packets, decoder=None):
    """Feeds packets to a decoder; returns (position, state) of those that decoded."""
    decoder = decoder or Decoder(SPEAKER, STEPS)
    decoded = []
    for position, packet in enumerate(packets):
        try:
            decoded.append((position, decoder.decode(packet)))
        except PacketError:
            continue
    return decoded


def assert_close(state, original):
    """The decoded state is the original, to half a step and rounding of float32."""
    error = np.abs(state.vector().astype(float) - original.vector()) / STEPS
    assert error.max() < 0.51
    assert state.pts_ms == original.pts_ms
    assert state.tracking is original.tracking
