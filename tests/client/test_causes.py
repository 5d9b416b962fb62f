"""What datagrams are made of, told by their bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.transport.causes import Cause, protocol, sctp_causes

HEADER = bytes.fromhex("1388 1388 0000002a 00000000")
DATA_24 = bytes.fromhex("0003 0028 00000001 0001 0000 00000035") + bytes(24)
DATA_5 = bytes.fromhex("0003 0015 00000002 0003 0000 00000033") + b"hello" + bytes(3)
SACK = bytes.fromhex("0300 0010 00000001 00100000 0000 0000")
FORWARD_TSN = bytes.fromhex("c000 0008 00000001")
HEARTBEAT = bytes.fromhex("0400 0008 00000000")
DTLS = 37


@pytest.mark.parametrize(
    ("begins", "cause"),
    [
        ("0001", Cause.STUN),
        ("0101", Cause.STUN),
        ("16fe", Cause.SCTP_DTLS),
        ("17fe", Cause.SCTP_DTLS),
        ("806f", Cause.RTP),
        ("80ef", Cause.RTP),
        ("80c8", Cause.RTCP),
        ("81c9", Cause.RTCP),
        ("", Cause.STUN),
    ],
)
def test_the_first_bytes_tell_the_protocol(begins: str, cause: Cause) -> None:
    assert protocol(bytes.fromhex(begins)) is cause


def test_data_is_told_by_its_stream_and_without_padding() -> None:
    packet = HEADER + DATA_24 + DATA_5
    assert sctp_causes(packet, 1, DTLS) == {Cause.PORTRAIT: 24, Cause.CONTROL: 5}
    assert sctp_causes(packet, None, DTLS) == {Cause.CONTROL: 29}


def test_acknowledgements_ride_along_or_pay_for_the_whole_datagram() -> None:
    along = HEADER + SACK + FORWARD_TSN + DATA_24
    assert sctp_causes(along, 1, DTLS) == {Cause.PORTRAIT: 24, Cause.ACKNOWLEDGEMENTS: 24}
    assert sctp_causes(HEADER + SACK, 1, DTLS) == {Cause.ACKNOWLEDGEMENTS: 12 + 16 + 37}


def test_other_chunks_belong_to_the_protocol() -> None:
    assert sctp_causes(HEADER + HEARTBEAT, 1, DTLS) == {}


@given(st.binary(max_size=200))
def test_nonsense_is_never_more_than_it_weighs(packet: bytes) -> None:
    assert sum(sctp_causes(packet, 1, DTLS).values()) <= len(packet) + DTLS
