"""Dividing what was captured, and a whole measurement where namespaces are permitted."""

from __future__ import annotations

import subprocess

import pytest

from client.emulation.namespaces import LinkedNamespaces
from client.emulation.packet_capture import CapturedPacket
from client.emulation.path import LinkShape
from client.errors import EmulationError
from client.transport.causes import Cause
from client.wire_bench import SIGNALING, divide
from tests.client.emulation.permission import need_namespaces


def test_the_capture_is_divided_by_what_its_sender_counted() -> None:
    packets = [CapturedPacket(float(t), 117, 28, Cause.SCTP_DTLS) for t in range(10)]
    packets.append(CapturedPacket(1.0, 100, 28, Cause.STUN))
    packets.append(CapturedPacket(2.0, 60, 0, None))
    counted = dict.fromkeys(Cause, 0) | {
        Cause.PORTRAIT: 240,
        Cause.SCTP_DTLS: 650,
        Cause.IP_UDP: 11 * 28,
        Cause.STUN: 72,
    }
    rates = divide(packets, counted, 8.0, Cause.SCTP_DTLS)  # a byte is a bit a second
    bps = {name: kbps * 1000.0 for name, kbps in rates.by_cause_kbps.items()}
    assert {name: round(rate) for name, rate in bps.items() if rate} == {
        Cause.PORTRAIT: 240,
        Cause.SCTP_DTLS: 890 - 240,
        Cause.STUN: 72,
        Cause.IP_UDP: 308,
        SIGNALING: 60,
    }
    assert rates.captured_kbps == pytest.approx(sum(rates.by_cause_kbps.values()))
    assert rates.captured_kbps == pytest.approx(1.33)
    assert rates.counted_kbps == pytest.approx(1.27)


def test_without_the_rights_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with (
        pytest.raises(EmulationError, match="expected ip \\(iproute2\\), got none installed"),
        LinkedNamespaces(LinkShape()),
    ):
        pass


@pytest.mark.parametrize("shape", [LinkShape(), LinkShape(delay_ms=5.0)], ids=["veth", "tunnel"])
def test_two_namespaces_reach_each_other_and_are_gone_afterwards(shape: LinkShape) -> None:
    need_namespaces(shape)
    with LinkedNamespaces(shape) as link:
        listener = [
            *link.far.inside(),
            *("python3", "-c", RECEIVE, link.far.address),
        ]
        with subprocess.Popen(listener, stdout=subprocess.PIPE, text=True) as far:
            assert far.stdout is not None
            assert far.stdout.readline() == "ready\n"
            send = [*link.near.inside(), "python3", "-c", SEND, link.near.peer]
            subprocess.run(send, check=True)
            assert far.stdout.readline() == "hello\n"
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    assert link.near.namespace not in listed.stdout
    assert link.far.namespace not in listed.stdout


RECEIVE = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 9)); s.settimeout(10); print("ready", flush=True)
print(s.recv(99).decode(), flush=True)
"""
SEND = """
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", (sys.argv[1], 9))
"""
