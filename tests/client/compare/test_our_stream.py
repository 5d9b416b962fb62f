"""Our stream over an emulated link: the parts of a call, and what the link does to them."""

from __future__ import annotations

from client.clock import monotonic_ms
from client.compare.our_stream import OurStream
from client.emulation.path import LinkShape
from client.sender import FaceSender
from client.stats import ReceiverStats
from client.transport.link import LinkState
from codec.encoder import Encoder
from codec.face import Tracking
from tests.client.doubles import SIGNAL, SPEAKER, TickingSource, face, level_at, portrait

EPOCH_MS = 1e12


def stream_of(shape: LinkShape) -> tuple[FaceSender, OurStream]:
    source = TickingSource()
    source.start_ms = monotonic_ms()
    sender = FaceSender(SPEAKER, Encoder(SPEAKER, SIGNAL), source)
    stream = OurStream(sender, 60.0, ReceiverStats(), shape)
    stream.feed.start(portrait())
    return sender, stream


def send(sender: FaceSender, frames: int) -> None:
    for number in range(frames):
        state = face(40 * number, level_at(40 * number))
        sender.analysed(state, Tracking.FACE, monotonic_ms(), EPOCH_MS)


async def test_packets_and_the_wish_for_a_key_cross_the_link() -> None:
    sender, stream = stream_of(LinkShape())
    stream.advance(monotonic_ms())
    send(sender, 40)
    stream.advance(monotonic_ms() + 1.0)
    assert stream.feed.hello is not None and stream.feed.hello.speaker == SPEAKER
    assert stream.feed.playout(monotonic_ms() + 500.0) is not None
    assert stream.costs.wire_kbps(monotonic_ms()) > stream.costs.payload_kbps(monotonic_ms()) > 0
    await stream.close()
    assert stream.feed.link.state is LinkState.CLOSED


async def test_a_link_that_loses_everything_shows_nothing_and_costs_the_same() -> None:
    sender, stream = stream_of(LinkShape())
    stream.reshape(LinkShape(loss=1.0))
    send(sender, 40)
    stream.advance(monotonic_ms() + 1.0)
    assert stream.feed.playout(monotonic_ms() + 500.0) is None
    assert stream.costs.payload_kbps(monotonic_ms()) > 0
    await stream.close()
