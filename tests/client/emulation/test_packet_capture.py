"""Capture files, byte by byte."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.emulation.packet_capture import CapturedPacket, read_capture
from client.errors import EmulationError
from client.transport.causes import Cause

MAC = bytes(12) + b"\x08\x00"
ARP = bytes(12) + b"\x08\x06" + bytes(28)


def ipv4(protocol: int, payload: bytes, size: int | None = None) -> bytes:
    total = 20 + len(payload) if size is None else size
    header = struct.pack("!BBHHHBBH", 0x45, 0, total, 0, 0, 64, protocol, 0)
    return header + bytes([10, 77, 0, 1, 10, 77, 0, 2]) + payload


def udp(payload: bytes) -> bytes:
    return struct.pack("!HHHH", 1, 2, 8 + len(payload), 0) + payload


def capture(packets: list[bytes], link_type: int = 1, order: str = "<") -> bytes:
    data = struct.pack(order + "LHHlLLL", 0xA1B2C3D4, 2, 4, 0, 0, 80, link_type)
    for number, packet in enumerate(packets):
        data += struct.pack(order + "LLLL", 100 + number, 500_000, len(packet), len(packet))
        data += packet
    return data


@pytest.mark.parametrize("order", ["<", ">"])
def test_packets_are_told_apart_by_what_they_carry(order: str) -> None:
    stun, dtls, rtcp = bytes([0, 1]), bytes([23, 254]), bytes([128, 201])
    packets = [MAC + ipv4(17, udp(first + bytes(30))) for first in (stun, dtls, rtcp)]
    packets += [ARP, MAC + ipv4(6, bytes(20), size=1500)]
    assert read_capture(capture(packets, order=order)) == [
        CapturedPacket(100_500.0, 60, 28, Cause.STUN),
        CapturedPacket(101_500.0, 60, 28, Cause.SCTP_DTLS),
        CapturedPacket(102_500.0, 60, 28, Cause.RTCP),
        CapturedPacket(104_500.0, 1500, 0, None),
    ]


def test_packets_of_a_tunnel_have_no_ethernet_about_them() -> None:
    packet = ipv4(17, udp(bytes([128, 111]) + bytes(50)))
    assert read_capture(capture([packet], link_type=101)) == [
        CapturedPacket(100_500.0, 80, 28, Cause.RTP)
    ]


def test_a_packet_that_was_cut_off_by_the_end_is_left_out() -> None:
    data = capture([MAC + ipv4(17, udp(bytes(30)))])
    assert read_capture(data[:40]) == []


@pytest.mark.parametrize("data", [b"", b"nonsense, and long enough for a header", capture([], 9)])
def test_what_is_no_capture_is_refused(data: bytes) -> None:
    with pytest.raises(EmulationError, match="expected"):
        read_capture(data)


@given(st.binary(max_size=200))
def test_nonsense_packets_do_no_harm(packet: bytes) -> None:
    for found in read_capture(capture([packet], link_type=101)):
        assert found.size >= 0
