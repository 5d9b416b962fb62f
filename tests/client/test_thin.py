"""The thin carrier: what its packets look like, and what rides with what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import CarrierError
from client.transport.thin import (
    COPIES_BYTES,
    MAX_TOGETHER,
    PAYLOAD_TYPES,
    RIDE_MS,
    TALKING_MS,
    Ride,
    ThinPayload,
    parse,
)

GOLDEN = [
    (ThinPayload((b"\x10\x20",)), 97, "1020"),
    (ThinPayload(audio=b"\x30\x40"), 111, "3040"),
    (ThinPayload((b"\x10\x20",), b"\x30\x40"), 98, "0210203040"),
    (ThinPayload((bytes(254),), b"\x30"), 98, "fe" + "00" * 254 + "30"),
    (ThinPayload((bytes(255),), b"\x30"), 98, "ff00ff" + "00" * 255 + "30"),
    (ThinPayload(), 99, ""),
    (ThinPayload(receipt=b"\x05\x00\x03"), 99, "050003"),
    (ThinPayload((b"\x10", b"\x20\x21")), 100, "020110022021"),
    (ThinPayload((b"\x10", b"\x20\x21"), b"\x30\x40"), 100, "0201100220213040"),
    (ThinPayload((b"\x10", bytes(255)), b"\x30"), 100, "020110ff00ff" + "00" * 255 + "30"),
]


@pytest.mark.parametrize(("payload", "payload_type", "data"), GOLDEN)
def test_payloads_are_these_bytes(payload: ThinPayload, payload_type: int, data: str) -> None:
    assert payload.pack() == (payload_type, bytes.fromhex(data))
    assert parse(payload_type, bytes.fromhex(data)) == payload


@given(
    st.lists(st.binary(min_size=1, max_size=300), max_size=MAX_TOGETHER).map(tuple),
    st.binary(max_size=360),
)
def test_every_payload_reads_back(portrait: tuple[bytes, ...], audio: bytes) -> None:
    payload = ThinPayload(portrait, audio)
    assert parse(*payload.pack()) == payload


@pytest.mark.parametrize(
    ("payload_type", "data"),
    [
        *((97, ""), (111, ""), (98, ""), (98, "0210"), (98, "021020"), (98, "00ff"), (98, "ff00")),
        *((98, "ff0001"), (98, "ff000110"), (99, "00"), (96, "00"), (0, "00")),
        *((100, ""), (100, "010110"), (100, "020110"), (100, "0201100220"), (100, "11")),
    ],
)
def test_what_is_none_of_ours_is_refused(payload_type: int, data: str) -> None:
    with pytest.raises(CarrierError, match=f"got payload type {payload_type}"):
        parse(payload_type, bytes.fromhex(data))


@given(st.sampled_from(PAYLOAD_TYPES), st.binary(max_size=600))
def test_nonsense_is_refused_or_read_as_what_it_weighs(payload_type: int, data: bytes) -> None:
    try:
        payload = parse(payload_type, data)
    except CarrierError:
        return
    assert sum(map(len, payload.portrait)) + len(payload.audio) <= len(data)


def test_without_sound_nothing_waits() -> None:
    ride = Ride()
    assert ride.portrait(b"a", 0.0) == [ThinPayload((b"a",))]
    assert ride.portrait(b"b", 160.0) == [ThinPayload((b"b",))]
    assert ride.due_ms() is None


def test_while_somebody_speaks_a_face_packet_waits_for_the_next_sound() -> None:
    ride = Ride()
    assert ride.audio(b"x", 0.0) == [ThinPayload((), b"x")]
    assert ride.portrait(b"a", 10.0) == []
    assert ride.due_ms() == 10.0 + RIDE_MS
    assert ride.audio(b"y", 60.0) == [ThinPayload((b"a",), b"y")]
    assert ride.audio(b"z", 120.0) == [ThinPayload((), b"z")]


def test_sound_that_does_not_come_is_not_waited_for() -> None:
    ride = Ride()
    ride.audio(b"x", 0.0)
    ride.portrait(b"a", 50.0)
    assert ride.overdue(50.0 + RIDE_MS - 1) == []
    assert ride.overdue(50.0 + RIDE_MS) == [ThinPayload((b"a",))]
    assert ride.overdue(200.0) == []
    assert ride.portrait(b"b", TALKING_MS + 1) == [ThinPayload((b"b",))]


def test_a_second_face_packet_does_not_overtake_the_first() -> None:
    ride = Ride()
    ride.audio(b"x", 0.0)
    ride.portrait(b"a", 10.0)
    assert ride.portrait(b"b", 20.0) == [ThinPayload((b"a",))]
    assert ride.audio(b"y", 60.0) == [ThinPayload((b"b",), b"y")]


def test_copies_ride_along_with_later_face_packets() -> None:
    ride = Ride()
    ride.copies = 2
    sent = [ride.portrait(name, 160.0 * i) for i, name in enumerate((b"a", b"b", b"c", b"d"))]
    together = [payload.portrait for payloads in sent for payload in payloads]
    assert together == [(b"a",), (b"a", b"b"), (b"a", b"b", b"c"), (b"b", b"c", b"d")]


def test_copies_ride_along_with_sound_without_waiting_for_a_face_packet() -> None:
    ride = Ride()
    ride.copies = 1
    ride.audio(b"x", 0.0)
    ride.portrait(b"a", 10.0)
    assert ride.audio(b"y", 60.0) == [ThinPayload((b"a",), b"y")]
    assert ride.audio(b"z", 120.0) == [ThinPayload((b"a",), b"z")]
    assert ride.audio(b"x", 180.0) == [ThinPayload((), b"x")]


def test_copies_that_are_no_longer_wanted_are_not_sent() -> None:
    ride = Ride()
    ride.copies = 3
    ride.portrait(b"a", 0.0)
    ride.portrait(b"b", 160.0)
    ride.copies = 0
    assert ride.portrait(b"c", 320.0) == [ThinPayload((b"c",))]


def test_copies_never_make_a_datagram_too_long() -> None:
    ride = Ride()
    ride.copies = 3
    ride.portrait(bytes(COPIES_BYTES), 0.0)
    ride.portrait(bytes(10), 160.0)
    (payload,) = ride.portrait(b"c", 320.0)
    assert sum(map(len, payload.portrait)) <= COPIES_BYTES + 1
