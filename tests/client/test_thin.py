"""The thin carrier: what its packets look like, and what rides with what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import CarrierError
from client.transport.thin import PAYLOAD_TYPES, RIDE_MS, TALKING_MS, Ride, ThinPayload, parse

GOLDEN = [
    (ThinPayload(portrait=b"\x10\x20"), 97, "1020"),
    (ThinPayload(audio=b"\x30\x40"), 111, "3040"),
    (ThinPayload(b"\x10\x20", b"\x30\x40"), 98, "0210203040"),
    (ThinPayload(bytes(254), b"\x30"), 98, "fe" + "00" * 254 + "30"),
    (ThinPayload(bytes(255), b"\x30"), 98, "ff00ff" + "00" * 255 + "30"),
    (ThinPayload(), 99, ""),
]


@pytest.mark.parametrize(("payload", "payload_type", "data"), GOLDEN)
def test_payloads_are_these_bytes(payload: ThinPayload, payload_type: int, data: str) -> None:
    assert payload.pack() == (payload_type, bytes.fromhex(data))
    assert parse(payload_type, bytes.fromhex(data)) == payload


@given(st.binary(max_size=1100), st.binary(max_size=360))
def test_every_payload_reads_back(portrait: bytes, audio: bytes) -> None:
    payload = ThinPayload(portrait, audio)
    assert parse(*payload.pack()) == payload


@pytest.mark.parametrize(
    ("payload_type", "data"),
    [
        *((97, ""), (111, ""), (98, ""), (98, "0210"), (98, "021020"), (98, "00ff"), (98, "ff00")),
        *((98, "ff0001"), (98, "ff000110"), (99, "00"), (96, "00"), (0, "00")),
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
    assert len(payload.portrait) + len(payload.audio) <= len(data)


def test_without_sound_nothing_waits() -> None:
    ride = Ride()
    assert ride.portrait(b"a", 0.0) == [ThinPayload(b"a")]
    assert ride.portrait(b"b", 160.0) == [ThinPayload(b"b")]
    assert ride.due_ms() is None


def test_while_somebody_speaks_a_face_packet_waits_for_the_next_sound() -> None:
    ride = Ride()
    assert ride.audio(b"x", 0.0) == [ThinPayload(b"", b"x")]
    assert ride.portrait(b"a", 10.0) == []
    assert ride.due_ms() == 10.0 + RIDE_MS
    assert ride.audio(b"y", 60.0) == [ThinPayload(b"a", b"y")]
    assert ride.audio(b"z", 120.0) == [ThinPayload(b"", b"z")]


def test_sound_that_does_not_come_is_not_waited_for() -> None:
    ride = Ride()
    ride.audio(b"x", 0.0)
    ride.portrait(b"a", 50.0)
    assert ride.overdue(50.0 + RIDE_MS - 1) == []
    assert ride.overdue(50.0 + RIDE_MS) == [ThinPayload(b"a")]
    assert ride.overdue(200.0) == []
    assert ride.portrait(b"b", TALKING_MS + 1) == [ThinPayload(b"b")]


def test_a_second_face_packet_does_not_overtake_the_first() -> None:
    ride = Ride()
    ride.audio(b"x", 0.0)
    ride.portrait(b"a", 10.0)
    assert ride.portrait(b"b", 20.0) == [ThinPayload(b"a")]
    assert ride.audio(b"y", 60.0) == [ThinPayload(b"b", b"y")]
