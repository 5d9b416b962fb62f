"""A classic stream on a thin and lossy link: paced, cut, put together, asked for again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from client.compare.classic_stream import (
    MAX_CHUNK_BYTES,
    REQUEST_INTERVAL_MS,
    Assembler,
    CodedFrame,
    Pacer,
    Packetizer,
)

FRAME_MS = 40.0


def paced(kbps: float, frame_bytes: int, interval_ms: float, seconds: float) -> list[float]:
    """When frames of a size are coded."""
    pacer, coded = Pacer(interval_ms), []
    for number in range(round(seconds * 1000 / FRAME_MS)):
        now_ms = FRAME_MS * number
        if pacer.may_code(now_ms, kbps):
            coded.append(now_ms)
            pacer.coded(now_ms, frame_bytes)
    return coded


def test_the_rate_is_held_whatever_frames_cost() -> None:
    for frame_bytes in (60, 120, 400, 2000):
        times = paced(4.0, frame_bytes, 200.0, 60.0)
        kbps = len(times) * frame_bytes * 8 / 60_000
        assert kbps <= 4.0 * 1.02 + frame_bytes * 8 / 60_000
        if frame_bytes >= 120:
            assert kbps >= 4.0 * 0.9


def test_cheap_frames_do_not_come_much_faster_than_was_chosen() -> None:
    times = paced(4.0, 10, 200.0, 10.0)
    assert len(times) <= 10_000 / (0.6 * 200.0) + 1


def test_an_expensive_frame_is_paid_for_before_the_next() -> None:
    pacer = Pacer(40.0)
    assert pacer.may_code(0.0, 4.0)
    pacer.coded(0.0, 1000)  # two seconds of the rate
    assert not pacer.may_code(1_960.0, 4.0)
    assert pacer.may_code(2_000.0, 4.0)


def test_frames_cross_in_pieces() -> None:
    packetizer, assembler = Packetizer(), Assembler()
    data = bytes(range(256)) * 10
    datagrams = packetizer.cut(data, 1234, is_key=True)
    assert len(datagrams) == 3 and all(len(each) <= MAX_CHUNK_BYTES for _, each in datagrams)
    assert [assembler.push(*each) for each in datagrams] == [
        None,
        None,
        CodedFrame(data, 1234, True),
    ]


def test_after_a_loss_only_an_intra_frame_is_of_use_and_it_is_asked_for() -> None:
    packetizer, assembler = Packetizer(), Assembler()
    (key,) = packetizer.cut(b"key", 0, is_key=True)
    (lost,) = packetizer.cut(b"lost", 40, is_key=False)
    (after,) = packetizer.cut(b"after", 80, is_key=False)
    (again,) = packetizer.cut(b"again", 120, is_key=True)
    (then,) = packetizer.cut(b"then", 160, is_key=False)
    assert lost
    assert assembler.push(*key) is not None and not assembler.wants_key(0.0)
    assert assembler.push(*after) is None
    assert assembler.wants_key(80.0) and not assembler.wants_key(81.0)
    assert assembler.wants_key(80.0 + REQUEST_INTERVAL_MS)
    assert assembler.push(*again) == CodedFrame(b"again", 120, True)
    assert assembler.push(*then) == CodedFrame(b"then", 160, False)


def test_a_stream_entered_in_the_middle_waits_for_an_intra_frame() -> None:
    packetizer, assembler = Packetizer(), Assembler()
    assert not assembler.wants_key(0.0)  # there is nobody to ask
    packetizer.cut(b"missed", 0, is_key=True)
    assert assembler.push(*packetizer.cut(b"p", 40, is_key=False)[0]) is None
    assert assembler.wants_key(40.0)


@given(
    frames=st.lists(st.tuples(st.integers(1, 4000), st.booleans()), max_size=12),
    lost=st.sets(st.integers(0, 60)),
)
def test_what_is_put_together_was_sent_so_and_never_follows_a_gap(
    frames: list[tuple[int, bool]], lost: set[int]
) -> None:
    packetizer, assembler = Packetizer(), Assembler()
    number, intact = 0, False
    for index, (size, is_key) in enumerate(frames):
        data = bytes([index]) * size
        datagrams = packetizer.cut(data, index, is_key)
        whole = True
        got = None
        for datagram in datagrams:
            if number in lost:
                whole = False
            else:
                got = assembler.push(*datagram)
            number += 1
        intact = whole and (intact or is_key)
        assert got == (CodedFrame(data, index, is_key) if intact else None)
