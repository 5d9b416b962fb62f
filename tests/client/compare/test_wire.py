"""What a compared stream pays and suffers on its link."""

from __future__ import annotations

import pytest

from client.compare.wire import HEADER_BYTES, Wire
from client.emulation.path import LinkShape


def test_every_datagram_pays_for_its_headers() -> None:
    wire = Wire(LinkShape(), 0)
    for number in range(60):
        wire.send(bytes(24), 100.0 * number)
    assert wire.costs.payload_kbps(6000.0) == pytest.approx(24 * 10 * 8 / 1000, rel=0.03)
    assert wire.costs.wire_kbps(6000.0) == pytest.approx(
        (24 + HEADER_BYTES) * 10 * 8 / 1000, rel=0.03
    )


def test_what_the_header_says_arrives_and_costs_nothing_more() -> None:
    wire = Wire(LinkShape(delay_ms=50.0), 0)
    wire.send(b"payload", 0.0, b"RTP")
    assert wire.arrived(49.9) == []
    ((header, payload),) = wire.arrived(50.0)
    assert (header, payload) == (b"RTP".ljust(HEADER_BYTES, b"\0"), b"payload")


def test_a_link_changes_while_it_runs() -> None:
    wire = Wire(LinkShape(), 0)
    wire.send(b"through", 0.0)
    wire.reshape(LinkShape(loss=1.0))
    wire.send(b"lost", 1.0)
    wire.reshape(LinkShape(rate_kbps=8.0))
    wire.send(bytes(44), 2.0)  # 100 bytes at a byte a millisecond
    assert [payload for _, payload in wire.arrived(101.0)] == [b"through"]
    assert [payload for _, payload in wire.arrived(102.0)] == [bytes(44)]
