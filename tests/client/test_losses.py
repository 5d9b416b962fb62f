from __future__ import annotations

from client.losses import LossCounter
from codec.encoder import Encoder, EncoderConfig
from tests.client.doubles import SIGNAL, SPEAKER, face


def packets(count: int, first_sequence: int = 0) -> list[bytes]:
    config = EncoderConfig(first_sequence=first_sequence, latency_ms=0.0)
    encoder = Encoder(SPEAKER, SIGNAL, config=config)
    packets = [encoder.encode(face(40 * index)) for index in range(count)]
    return [packet for packet in packets if packet is not None]


def counted(received: list[bytes]) -> tuple[int, int]:
    losses = LossCounter()
    for packet in received:
        losses.decoded(packet)
    return losses.received, losses.lost


def test_gaps_are_losses() -> None:
    sent = packets(100)
    assert counted(sent) == (100, 0)
    assert counted(sent[:20] + sent[23:50] + sent[51:]) == (96, 4)


def test_what_comes_late_is_no_loss_any_more() -> None:
    sent = packets(30)
    losses = LossCounter()
    for packet in (*sent[:10], *sent[12:]):
        losses.decoded(packet)
    assert losses.lost == 2
    losses.decoded(sent[11])
    assert losses.lost == 1


def test_sequence_numbers_wrap_around() -> None:
    sent = packets(2_100, first_sequence=65_000)
    assert counted(sent[:700] + sent[705:]) == (2_095, 5)


def test_a_stream_that_began_anew_lost_nothing_in_between() -> None:
    before, after = packets(50, first_sequence=100), packets(50, first_sequence=40_000)
    assert counted(before[:40] + before[42:] + after[:10] + after[11:]) == (97, 3)
