"""What a sender makes of what its renderers tell."""

from __future__ import annotations

from client.audience import Listener, acknowledge
from client.protection import LEVELS
from client.transport.memory import MemoryLink, MemoryNetwork
from codec.encoder import Encoder, EncoderConfig
from codec.held import CALM_PACKETS
from codec.packet import Kind, Packet
from codec.receipt import Receipt
from tests.client.doubles import SIGNAL, SPEAKER, Recorder, face


def a_link() -> MemoryLink:
    return MemoryNetwork().connect(Recorder(), Recorder())[0]


class Speech:
    """A still face that is sent to some renderers, a packet a frame."""

    def __init__(self, renderers: int) -> None:
        self.encoder = Encoder(SPEAKER, SIGNAL, config=EncoderConfig(latency_ms=0.0))
        self.links = [a_link() for _ in range(renderers)]
        self.listeners = [Listener(link, 0) for link in self.links]

    def send(self) -> Packet:
        acknowledge(self.encoder, self.listeners)
        packet = self.encoder.encode(face(40 * self.encoder.sequence, 0.3))
        assert packet is not None
        return Packet.parse(packet)

    def tell(self, renderer: int, *sequences: int) -> None:
        self.links[renderer].peer_receipt = bytes(Receipt.of(sequences))


def test_packets_stand_alone_until_all_renderers_have_told() -> None:
    speech = Speech(renderers=2)
    kinds = [speech.send().kind for _ in range(4)]
    speech.tell(0, 2, 3)
    kinds.append(speech.send().kind)
    speech.tell(1, 1, 2)
    kinds.append(speech.send().kind)
    assert kinds == [Kind.KEY, Kind.KEY, Kind.ALONE, Kind.ALONE, Kind.ALONE, Kind.REFERRING]


def test_a_receipt_that_makes_no_sense_is_not_believed() -> None:
    speech = Speech(renderers=1)
    speech.links[0].peer_receipt = b"nonsense"
    assert [speech.send().kind for _ in range(4)][-1] is Kind.ALONE
    assert speech.listeners[0].held.sequences == frozenset()


def test_a_renderer_that_asked_for_protection_is_not_calm() -> None:
    speech = Speech(renderers=1)
    for newest in range(16, CALM_PACKETS + 17, 16):
        for _ in range(16):
            speech.send()
        speech.tell(0, *range(max(newest - 17, 0), newest))
    acknowledge(speech.encoder, speech.listeners)
    assert speech.listeners[0].is_calm
    speech.listeners[0].protection = LEVELS[1]
    assert not speech.listeners[0].is_calm
