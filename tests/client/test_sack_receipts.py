"""What is read off SCTP's acknowledgements of face packets."""

from __future__ import annotations

from aiortc.rtcsctptransport import DataChunk, ForwardTsnChunk, SackChunk
from hypothesis import given
from hypothesis import strategies as st

from client.transport.sack_receipts import SackReceipts
from client.transport.sctp import bundle
from codec.encoder import Encoder, EncoderConfig
from codec.receipt import Receipt
from tests.client.doubles import SIGNAL, SPEAKER, face

FACE, CONTROL = 1, 3
FIRST_TSN = 2**32 - 3
"""It wraps soon."""
FIRST_SEQUENCE = 250
CONFIG = EncoderConfig(latency_ms=0.0, first_sequence=FIRST_SEQUENCE)


def packets(count: int) -> list[bytes]:
    encoder = Encoder(SPEAKER, SIGNAL, config=CONFIG)
    coded = (encoder.encode(face(40 * index, 0.1)) for index in range(count))
    return [packet for packet in coded if packet is not None]


def data(number: int, content: bytes, stream: int = FACE) -> bytes:
    chunk = DataChunk(flags=7)
    chunk.tsn = (FIRST_TSN + number) % 2**32
    chunk.stream_id, chunk.protocol, chunk.user_data = stream, 53, content
    return bundle((5000, 5000), 1, [chunk])


def sack(number: int, *gaps: tuple[int, int]) -> bytes:
    chunk = SackChunk()
    chunk.cumulative_tsn = (FIRST_TSN + number) % 2**32
    chunk.gaps = list(gaps)
    return bundle((5000, 5000), 1, [chunk])


def forward(number: int) -> bytes:
    chunk = ForwardTsnChunk()
    chunk.cumulative_tsn = (FIRST_TSN + number) % 2**32
    return bundle((5000, 5000), 1, [chunk])


def after(*exchanged: tuple[str, bytes]) -> set[int]:
    """What is known to be there, after packets were sent and received in this order."""
    receipts = SackReceipts()
    for way, packet in exchanged:
        if way == "sent":
            receipts.sent(packet, FACE)
        else:
            receipts.received(packet)
    if not receipts.receipt:
        return set()
    return set(Receipt.parse(receipts.receipt).sequences(FIRST_SEQUENCE))


def all_sent(count: int) -> list[tuple[str, bytes]]:
    return [("sent", data(number, packet)) for number, packet in enumerate(packets(count))]


def test_nothing_is_known_before_the_first_answer() -> None:
    assert after(*all_sent(4)) == set()


def test_what_is_acknowledged_has_arrived() -> None:
    assert after(*all_sent(6), ("received", sack(3))) == {250, 251, 252, 253}


def test_what_came_behind_a_hole_has_arrived_as_well() -> None:
    assert after(*all_sent(6), ("received", sack(1, (2, 3)))) == {250, 251, 253, 254}


def test_what_the_peer_was_told_to_forget_is_not_taken_for_arrived() -> None:
    answered = [("received", sack(1, (2, 2))), ("sent", forward(3)), ("received", sack(5))]
    assert after(*all_sent(6), *answered) == {250, 251, 253, 254, 255}


def test_other_streams_and_other_messages_do_not_count() -> None:
    sent = [("sent", data(0, packets(1)[0], CONTROL)), ("sent", data(1, b"no packet"))]
    assert after(*sent, ("received", sack(5))) == set()


@given(st.binary(max_size=100))
def test_nonsense_does_no_harm(tail: bytes) -> None:
    receipts = SackReceipts()
    receipts.sent(data(0, packets(1)[0]), FACE)
    receipts.received(sack(0)[:12] + tail)
