import numpy as np
import pytest

from codec.decoder import Decoder
from codec.encoder import Encoder, EncoderConfig
from codec.errors import CodecError
from codec.face import FaceState
from tests.codec.streams import MODEL, REST, SPEAKER, STEPS, encode_with, talking_head

WINDOW = 50
"""Frames of two seconds."""


def livelier_and_livelier(frames):
    """A head that moves four times as much at the end."""
    states = talking_head(frames)
    factors = np.linspace(0.5, 2.0, frames)
    return [
        FaceState.from_vector(
            (REST + factor * (state.vector() - REST)).astype(np.float32), state.pts_ms
        )
        for state, factor in zip(states, factors, strict=True)
    ]


def kbps_by_window(target_kbps, states, answered=False):
    config = EncoderConfig(target_kbps=target_kbps)
    encoder, decoder = Encoder(SPEAKER, MODEL, config=config), Decoder(SPEAKER, MODEL)
    if answered:
        encoder.acknowledge(range(len(states)), calm=True)
    rates, bits, frames = [], 0, 0
    for packet in encode_with(encoder, states):
        bits += 8 * len(packet)
        frames += len(decoder.decode(packet))
        if frames >= WINDOW:
            rates.append(bits / frames * 25 / 1000)
            bits = frames = 0
    return rates


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("target_kbps", [1.2, 2.0, 4.0])
def test_a_target_is_held_over_two_seconds(target_kbps, answered):
    rates = kbps_by_window(target_kbps, livelier_and_livelier(1000), answered)
    assert len(rates) >= 19
    # The first two seconds find out what this head costs.
    assert rates[1:] == pytest.approx([target_kbps] * (len(rates) - 1), rel=0.05)


def test_more_bits_make_a_better_picture():
    states = talking_head(200)
    wrong = []
    for target_kbps in (1.0, 2.0, 4.0):
        encoder = Encoder(SPEAKER, MODEL, config=EncoderConfig(target_kbps=target_kbps))
        decoder = Decoder(SPEAKER, MODEL)
        back = [s for packet in encode_with(encoder, states) for s in decoder.decode(packet)]
        errors = [
            (a.vector() - b.vector()) / STEPS for a, b in zip(back[50:], states[50:], strict=True)
        ]
        wrong.append(np.square(errors).mean())
    assert wrong[0] > 2 * wrong[1] > 4 * wrong[2]


def test_a_still_face_does_not_use_what_it_is_given():
    still = talking_head(1)[0]
    states = [FaceState.from_vector(still.vector(), 40 * index) for index in range(300)]
    assert max(kbps_by_window(4.0, states)[1:]) < 2.0


@pytest.mark.parametrize("target_kbps", [0.0, -1.0, float("nan"), 1e6])
def test_absurd_targets_are_refused(target_kbps):
    with pytest.raises(CodecError, match="target of"):
        EncoderConfig(target_kbps=target_kbps)
