"""Streams of face states for the codec's tests, the same on every machine."""

import numpy as np

from codec.decoder import Decoder
from codec.encoder import Encoder
from codec.errors import PacketError
from codec.face import CHANNELS, FaceState, Tracking
from codec.profile import Profile
from codec.signal import PERSON, ROWS, SignalModel

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
FRAME_MS = 40


def usual_classes():
    """Low frequencies are large and high ones small, later components smaller than earlier."""
    rows = [np.full(PERSON, 20 - 3 * row) for frames in range(1, 9) for row in range(frames)]
    return np.clip(np.array(rows) - np.arange(PERSON) // 4, 0, 45).astype(np.uint8)


MODEL = SignalModel(REST, np.diag(STEPS), usual_classes())
assert MODEL.classes.shape == (ROWS, PERSON)


def talking_head(frames, seed=0, interval_ms=FRAME_MS, first_pts_ms=0, panning=False):
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
    vector = REST + np.array(multiples, np.float32) * STEPS
    return FaceState.from_vector(vector, index * FRAME_MS, tracking)


def encode_with(encoder, states):
    """All packets of some states, those of the last ones included."""
    packets = [encoder.encode(state) for state in states]
    return [packet for packet in (*packets, encoder.flush()) if packet is not None]


def encode_all(states, profile=Profile.COMPACT, config=None, speaker=SPEAKER):
    return encode_with(Encoder(speaker, MODEL, profile, config), states)


def decode_all(packets):
    """The frames of packets that all arrive in order, packet by packet."""
    decoder = Decoder(SPEAKER, MODEL)
    return [decoder.decode(packet) for packet in packets]


def decode_those_that_arrive(packets, decoder=None):
    """Feeds packets to a decoder; returns (position, frames) of those that decoded."""
    decoder = decoder or Decoder(SPEAKER, MODEL)
    decoded = []
    for position, packet in enumerate(packets):
        try:
            decoded.append((position, decoder.decode(packet)))
        except PacketError:
            continue
    return decoded


def assert_same(states, others):
    """Frames are equal to the last bit."""
    assert len(states) == len(others)
    for state, other in zip(states, others, strict=True):
        assert (state.pts_ms, state.tracking) == (other.pts_ms, other.tracking)
        assert (state.vector() == other.vector()).all()
