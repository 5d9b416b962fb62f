from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.errors import CorruptPacketError
from codec.face import CHANNELS
from codec.half import to_halves
from codec.halves import decode_halves, encode_halves
from codec.lattice import EXPONENTS, on_lattice
from tests.codec.streams import MODEL, REST, talking_head

pattern = st.integers(0, 0xFFFF).filter(lambda bits: bits & 0x7C00 != 0x7C00)
any_frame = st.lists(pattern, min_size=CHANNELS, max_size=CHANNELS).map(
    lambda bits: np.array(bits, np.uint16).view(np.float16)
)


def times(count):
    return tuple(40 * index for index in range(count))


def faces(count, seed=0, panning=False):
    states = talking_head(count, seed, panning=panning)
    return [to_halves(on_lattice(state).vector()) for state in states]


def assert_bits_come_back(frames):
    body = encode_halves(times(len(frames)), frames, MODEL)
    times_ms, back = decode_halves(body, MODEL)
    assert times_ms == times(len(frames))
    bits = back.astype(np.float16).view(np.uint16)
    assert (bits == np.array(frames).view(np.uint16)).all()
    return body


@given(st.lists(any_frame, min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_any_finite_halves_come_back_to_the_last_bit(frames):
    assert_bits_come_back(frames)


@given(st.integers(1, 8), st.integers(0, 50), st.booleans())
@settings(max_examples=40, deadline=None)
def test_faces_come_back_and_cost_less(count, seed, panning):
    body = assert_bits_come_back(faces(count, seed, panning))
    assert len(body) < 0.8 * 2 * CHANNELS * count


def test_a_still_face_at_rest_takes_few_bytes():
    rest = to_halves(np.rint(REST * 2.0**EXPONENTS) / 2.0**EXPONENTS)
    assert len(assert_bits_come_back([rest] * 4)) <= 16


def test_a_face_far_from_the_speakers_is_sent_all_the_same():
    far = [frame + np.float16(8.0) for frame in faces(4)]
    assert_bits_come_back(far)


def test_these_bytes_forever():
    body = encode_halves(times(3), faces(3), MODEL)
    assert body.hex() == (
        "f9ee4e89ffa9703ba3da1796b6354bdbed234151264eef4889e5736a4c95991e92d99effab71b48fe3d3"
        "5277b1279454a4b94d0da0a3a7b6486922c4c689647d6bc35821e788ddbecdfd2b4aac272e91ae7bb5da"
        "3849bfbebe4ebc9eb5481707812f6957cc197265d318da3f5b52ddb969e0aa462fba285d28934b3f18c7"
        "23941ee53586f4e8c6a92bba8018e80817239e71e861cbd76ae2fcd8bd7a490f0fa7"
    )


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_garbage_reads_as_finite_numbers_or_is_refused(data):
    try:
        times_ms, frames = decode_halves(data, MODEL)
    except CorruptPacketError:
        return
    assert frames.shape == (len(times_ms), CHANNELS)
    assert np.isfinite(frames).all()


def test_halves_that_are_no_numbers_are_refused():
    body = encode_halves(times(1), [np.full(CHANNELS, np.inf, np.float16)], MODEL)
    with pytest.raises(CorruptPacketError, match="finite numbers"):
        decode_halves(body, MODEL)


def test_multiples_beyond_a_face_are_refused():
    far = to_halves(np.r_[20.0, np.zeros(CHANNELS - 1)])
    body = encode_halves(times(1), [far], MODEL)
    elsewhere = replace(MODEL, mean=REST + np.float32(120.0) * (np.arange(CHANNELS) == 0))
    with pytest.raises(CorruptPacketError, match="multiples below"):
        decode_halves(body, elsewhere)
