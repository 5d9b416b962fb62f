from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.block import (
    COARSEST,
    FINEST,
    Block,
    decode_block,
    encode_block,
    multiplier,
    reconstruct,
)
from codec.errors import CorruptPacketError
from codec.signal import COMPONENTS, PERSON, UNITS
from tests.codec.streams import MODEL

TIMES = (0, 40, 80, 120)
GOLDEN = (
    "64f5f34d2a7783f9b2273f3afb2fd81555c1c0a49db66126289b93c8003dd82d717c02ba465ec49f3c1a"
    "4132795f31a99c79e11cfed3e515940442bf47584d77bc1ab13bd190f34c0f3f"
)


def a_block(symbols=None, **fields):
    if symbols is None:
        symbols = np.zeros((4, COMPONENTS), np.int64)
    return replace(Block(TIMES, 0, 0, symbols), **fields)


def counted_symbols(frames=4, background=True):
    rows = [[(f * 5 + k * 3) % 11 - 5 for k in range(COMPONENTS)] for f in range(frames)]
    symbols = np.array(rows, np.int64) >> np.arange(frames)[:, None]
    symbols[:, PERSON:] *= background
    return symbols


blocks = st.builds(
    lambda frames, seed, scale, quantiser, distance, gaps: Block(
        (0, *np.cumsum(gaps[: frames - 1]).tolist()),
        distance,
        quantiser,
        np.rint(np.random.default_rng(seed).laplace(0, scale, (frames, COMPONENTS))).astype(int),
    ),
    st.integers(1, 8),
    st.integers(0, 1000),
    st.sampled_from([0.01, 0.3, 3.0, 200.0]),
    st.integers(FINEST, COARSEST),
    st.integers(0, 15),
    st.lists(st.integers(1, 300), min_size=7, max_size=7),
)


@given(blocks)
@settings(max_examples=60, deadline=None)
def test_a_block_reads_back_as_it_was_written(block):
    back = decode_block(encode_block(block, MODEL), MODEL, block.distance > 0)
    assert (back.times_ms, back.distance) == (block.times_ms, block.distance)
    assert (back.symbols == block.symbols).all()
    if block.symbols.any():
        assert back.quantiser == block.quantiser


def test_a_block_is_these_bytes_forever():
    block = a_block(counted_symbols(), quantiser=3)
    assert encode_block(block, MODEL).hex() == GOLDEN


def test_a_still_face_that_refers_has_no_body_at_all():
    assert encode_block(a_block(distance=1), MODEL) == b""


def test_a_background_at_rest_costs_next_to_nothing():
    moving, resting = (
        len(encode_block(a_block(counted_symbols(background=moves)), MODEL))
        for moves in (True, False)
    )
    assert moving - resting >= 8


def test_symbols_that_are_usual_cost_less_than_those_that_are_not():
    low, high = np.zeros((2, 4, COMPONENTS), np.int64)
    low[0, :6], high[3, :6] = 4, 4
    cheap, dear = (len(encode_block(a_block(symbols), MODEL)) for symbols in (low, high))
    assert cheap < dear


@given(st.binary(max_size=150), st.booleans())
@settings(max_examples=200, deadline=None)
def test_garbage_reads_as_something_or_is_refused(data, refers):
    try:
        block = decode_block(data, MODEL, refers)
    except CorruptPacketError:
        return
    assert block.symbols.shape == (len(block.times_ms), COMPONENTS)
    assert np.abs(block.symbols).max() <= 32767
    assert reconstruct(block, np.zeros(COMPONENTS, np.int64)).shape == block.symbols.shape


def test_a_step_doubles_with_every_fourth_quantiser():
    assert [multiplier(q) for q in (-16, -4, 0, 1, 2, 3, 4, 24)] == [
        *(16, 128, 256, 304, 362, 430, 512, 16384),
    ]


def test_what_does_not_change_stays_where_the_reference_is():
    reference = np.arange(COMPONENTS, dtype=np.int64) * 300 - 5000
    units = reconstruct(a_block(distance=1), reference)
    assert np.abs(units - reference).max() <= 1


def test_a_slope_alone_leaves_the_mean_alone():
    symbols = np.zeros((4, COMPONENTS), np.int64)
    symbols[1, 0] = 3
    units = reconstruct(a_block(symbols), None)
    assert abs(int(units[:, 0].sum())) <= 2
    assert units[0, 0] == pytest.approx(3 * 0.6533 * UNITS, abs=1)
    assert not units[:, 1:].any()
