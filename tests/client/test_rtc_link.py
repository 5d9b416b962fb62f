"""What a link over WebRTC adds to the contract: what it costs, and how it suffers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aioice.ice
import ifaddr
import pytest

from client.clock import monotonic_ms
from client.errors import NegotiationError
from client.transport.causes import Cause
from client.transport.constant_size import PORTRAIT_BYTES
from client.transport.link import OpusFrame
from client.transport.rtc import Carrier, RtcLink
from client.transport.thin import HEARTBEAT
from codec.encoder import Encoder, EncoderConfig
from codec.receipt import Receipt
from tests.client.doubles import SIGNAL, SPEAKER, Recorder, face, until
from tests.client.link_ends import RtcEnds


@pytest.fixture
async def rtc() -> AsyncIterator[RtcEnds]:
    ends = RtcEnds(Carrier.CHANNEL)
    await ends.open()
    yield ends
    await ends.near.close()
    await ends.far.close()


@pytest.fixture
async def srtp() -> AsyncIterator[RtcEnds]:
    ends = RtcEnds()
    await ends.open()
    yield ends
    await ends.near.close()
    await ends.far.close()


async def test_rtc_repeats_control_messages_but_never_packets(rtc: RtcEnds) -> None:
    rtc.lose_datagrams((False, True))
    for number in range(20):
        rtc.near.send(bytes([number]))
        if number % 5 == 0:
            rtc.near.send_control(f"control {number}")
        await asyncio.sleep(0.04)
    await until(lambda: len(rtc.far_heard.controls) == 4, timeout_s=15)
    assert rtc.far_heard.controls == [f"control {number}" for number in (0, 5, 10, 15)]
    received = [packet[0] for packet in rtc.far_heard.packets]
    assert 0 < len(received) < 20
    assert len(set(received)) == len(received)


async def test_protected_face_packets_arrive_though_most_datagrams_are_lost(srtp: RtcEnds) -> None:
    srtp.near.protect(3)
    srtp.lose_datagrams((False, True, True))
    for number in range(24):
        srtp.near.send(bytes([number]))
        await asyncio.sleep(0.02)
    await srtp.settle()
    received = {packet[0] for packet in srtp.far_heard.packets}
    assert received >= set(range(21)), "each was in four datagrams, of which two were lost in a row"
    lost = srtp.far.lost(monotonic_ms())
    assert lost == pytest.approx(2 / 3, abs=0.15)


async def test_what_a_renderer_holds_is_told_in_its_heartbeats(srtp: RtcEnds) -> None:
    srtp.far.receipt = b"\x07\x00\x03"
    await until(lambda: srtp.near.peer_receipt == b"\x07\x00\x03", timeout_s=3)
    assert srtp.far.peer_receipt == b"", "a speaker holds nothing"


async def test_what_a_renderer_holds_is_read_off_acknowledgements(rtc: RtcEnds) -> None:
    encoder = Encoder(SPEAKER, SIGNAL, config=EncoderConfig(latency_ms=0.0, first_sequence=7))
    for number in range(4):
        packet = encoder.encode(face(40 * number, 0.1))
        assert packet is not None
        rtc.near.send(packet)
    await rtc.settle()
    assert Receipt.parse(rtc.near.peer_receipt) == Receipt.of({7, 8, 9, 10})
    assert len(rtc.far_heard.packets) == 4


async def test_rtc_counts_every_datagram_of_the_connection(rtc: RtcEnds) -> None:
    await rtc.settle()
    near, far = rtc.near.wire, rtc.far.wire
    before, portrait = near.sent.total_bytes(), near.sent.by_cause[Cause.PORTRAIT]
    assert before == far.received.total_bytes() > 1_000, "the DTLS handshake alone is more"
    rtc.near.send(bytes(24))
    await rtc.settle()
    # DESIGN 5.3: IP and UDP 28, DTLS 37, SCTP 28 (12 + 16), payload padded to 4 bytes.
    assert near.sent.total_bytes() - before == 28 + 37 + 28 + 24
    assert near.sent.by_cause[Cause.PORTRAIT] - portrait == 24
    assert near.sent.by_cause == far.received.by_cause
    assert near.received.by_cause == far.sent.by_cause
    assert near.received.total_bytes() == far.sent.total_bytes()


async def test_rtc_answers_every_second_packet_or_late(rtc: RtcEnds) -> None:
    await rtc.settle()
    answered = rtc.far.wire.sent.datagrams
    for _ in range(10):
        rtc.near.send(bytes(24))
        await asyncio.sleep(0.01)
    assert rtc.far.wire.sent.datagrams - answered == 5
    rtc.near.send(bytes(24))
    await asyncio.sleep(0.1)
    assert rtc.far.wire.sent.datagrams - answered == 5, "the eleventh waits for the twelfth"
    await asyncio.sleep(0.2)
    assert rtc.far.wire.sent.datagrams - answered == 6, "but not for long"


async def test_rtc_answers_along_with_what_is_said_anyway(rtc: RtcEnds) -> None:
    await rtc.settle()
    said, acknowledged = rtc.far.wire.sent.datagrams, acknowledgements(rtc)
    rtc.near.send(bytes(24))
    await asyncio.sleep(0.05)
    rtc.far.send_control("here")
    await asyncio.sleep(0.3)
    assert rtc.near_heard.controls == ["here"]
    assert rtc.far.wire.sent.datagrams - said == 1
    assert acknowledgements(rtc) - acknowledged == 16


def acknowledgements(rtc: RtcEnds) -> int:
    return rtc.far.wire.sent.by_cause[Cause.ACKNOWLEDGEMENTS]


async def test_rtc_forgets_lost_packets_without_a_storm(rtc: RtcEnds) -> None:
    await rtc.settle()
    sent = rtc.near.wire.sent
    before, portrait = sent.total_bytes(), sent.by_cause[Cause.PORTRAIT]
    rtc.lose_datagrams((False,) * 9 + (True,))
    for _ in range(60):
        rtc.near.send(bytes(24))
        await asyncio.sleep(0.04)
    assert sent.by_cause[Cause.PORTRAIT] - portrait == 60 * 24
    # The lossy path drops datagrams before they are counted.
    assert (sent.total_bytes() - before) / 54 < (93 + 24) * 1.25
    await asyncio.sleep(2.5)
    assert not rtc.near._connection.sctp._sent_queue, "lost packets are given up"
    assert not rtc.far._connection.sctp._sack_misordered, "and no longer waited for"


async def test_rtc_ignores_channels_and_messages_that_are_none_of_ours(rtc: RtcEnds) -> None:
    rtc.near._connection.createDataChannel("something else")
    rtc.near._face.send("text where packets belong")
    rtc.near._control.send(b"bytes where text belongs")
    await rtc.settle()
    rtc.near.send(b"packet")
    await rtc.settle()
    assert rtc.far_heard.packets == [b"packet"]
    assert rtc.far.counters.refused == 2


async def test_srtp_costs_56_bytes_and_no_answer(srtp: RtcEnds) -> None:
    await srtp.settle()
    near, far = srtp.near.wire, srtp.far.wire
    before, answered = near.sent.total_bytes(), far.sent.total_bytes()
    srtp.near.send(bytes(24))
    await asyncio.sleep(0.2)
    # DESIGN 5.3: IP and UDP 28, RTP 12, tag of AES-GCM 16.
    assert near.sent.total_bytes() - before == 28 + 12 + 16 + 24
    assert near.sent.by_cause[Cause.PORTRAIT] == far.received.by_cause[Cause.PORTRAIT] == 24
    assert far.sent.total_bytes() == answered


async def test_srtp_packets_ride_along_with_sound(srtp: RtcEnds) -> None:
    await srtp.settle()
    wire = srtp.near.wire.sent
    datagrams = wire.datagrams
    for number in range(8):
        if number % 2:
            srtp.near.send(bytes(24))
        srtp.near.send_audio(OpusFrame(bytes(50), 2880 * number))
        await asyncio.sleep(0.06)
    assert wire.datagrams - datagrams == 8
    assert wire.by_cause[Cause.PORTRAIT] == 4 * 24 and wire.by_cause[Cause.AUDIO] == 8 * 50
    assert len(srtp.far_heard.packets) == 4 and len(srtp.far_heard.sounds) == 8


async def test_srtp_packets_do_not_wait_long_for_sound(srtp: RtcEnds) -> None:
    srtp.near.send_audio(OpusFrame(bytes(50), 0))
    srtp.near.send(b"waits")
    await asyncio.sleep(0.03)
    assert srtp.far_heard.packets == []
    await asyncio.sleep(0.07)
    assert srtp.far_heard.packets == [b"waits"]


async def test_srtp_tells_once_a_second_that_a_silent_end_is_there(srtp: RtcEnds) -> None:
    await asyncio.sleep(0.5)
    rtp = srtp.far.wire.sent.by_cause[Cause.RTP]
    await asyncio.sleep(2.2)
    assert srtp.far.wire.sent.by_cause[Cause.RTP] - rtp in (2 * 28, 3 * 28)
    assert srtp.near_heard.packets == [] and srtp.near_heard.sounds == []


@pytest.mark.parametrize("far", list(Carrier))
@pytest.mark.parametrize("near", list(Carrier))
async def test_srtp_is_taken_where_both_offer_it(near: Carrier, far: Carrier) -> None:
    ends = RtcEnds(near, far)
    await ends.open()
    agreed = Carrier.SRTP if near is far is Carrier.SRTP else Carrier.CHANNEL
    assert ends.near.carrier is ends.far.carrier is agreed
    ends.near.send(b"packet")
    await ends.settle()
    assert ends.far_heard.packets == [b"packet"]
    await ends.near.close()
    await ends.far.close()


async def test_two_ends_meet_on_a_machine_without_any_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: [])
    assert aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True) == ["127.0.0.1"]
    ends = RtcEnds()
    await ends.open()
    ends.near.send(b"packet")
    await ends.settle()
    assert ends.far_heard.packets == [b"packet"]
    await ends.near.close()
    await ends.far.close()


@pytest.mark.parametrize(
    "signal",
    [
        {"kind": "offer"},
        {"kind": "offer", "sdp": "no SDP at all"},
        {"kind": "offer", "sdp": "v=0\r\nm=application nonsense\r\n"},
        {"kind": "offer", "sdp": 7},
        {"kind": "offer", "sdp": "v=0\r\n" * 30_000},
        {"kind": "answer", "sdp": "v=0\r\n"},
        {"sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", "kind": "offer"},
    ],
)
async def test_an_offer_that_is_none_is_refused_by_name(signal: dict[str, object]) -> None:
    link = RtcLink(Recorder(), [], monotonic_ms)
    with pytest.raises(NegotiationError, match="expected"):
        await link.answer(signal)
    await link.close()


@pytest.mark.parametrize("entry", [{}, {"urls": 5}, {"urls": ["http://nothing"]}])
async def test_an_ice_server_that_is_none_is_refused_by_name(entry: dict[str, object]) -> None:
    with pytest.raises(NegotiationError, match="expected"):
        RtcLink(Recorder(), [entry], monotonic_ms)


async def test_both_ends_see_the_certificates_that_are_in_use(srtp: RtcEnds) -> None:
    ours, theirs = srtp.near.fingerprints()
    assert srtp.far.fingerprints() == (theirs, ours)
    assert ours != theirs and len(ours) == len(theirs) == 32
    said = srtp.near._connection.localDescription.sdp
    assert "sha-256 " + ours.hex(":").upper() in said


async def test_a_link_that_is_not_open_has_no_fingerprints() -> None:
    link = RtcLink(Recorder(), [], monotonic_ms)
    with pytest.raises(NegotiationError, match="expected an open link"):
        link.fingerprints()
    await link.close()


async def test_packets_of_constant_size_look_alike_on_the_wire_and_arrive_as_they_were() -> None:
    ends = RtcEnds()
    ends.near = RtcLink(ends.near_heard, [], monotonic_ms, constant_size=True)
    await ends.open()
    sizes: list[int] = []
    ice = ends.near._connection.sctp.transport.transport
    send = ice._send

    async def measured(data: bytes) -> None:
        if 128 <= data[0] < 192 and data[1] != HEARTBEAT:  # RTP (RFC 7983)
            sizes.append(len(data))
        await send(data)

    ice._send = measured
    packets = [bytes([length]) * length for length in range(1, 48, 3)]
    for packet in packets:
        ends.near.send(packet)
        await asyncio.sleep(0.08)
    await ends.settle()
    assert ends.far_heard.packets == packets
    assert sizes == [12 + PORTRAIT_BYTES + 16] * len(packets)
    await ends.near.close()
    await ends.far.close()


async def test_a_peer_with_which_sizes_would_show_is_refused() -> None:
    ends = RtcEnds(far=Carrier.CHANNEL)
    ends.near = RtcLink(ends.near_heard, [], monotonic_ms, constant_size=True)
    with pytest.raises(NegotiationError, match="expected a peer that takes SRTP"):
        await ends.open()
    await ends.near.close()
    await ends.far.close()
