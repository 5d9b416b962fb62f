"""Our stream over an emulated link: the sender's and the receiver's own parts, nothing else."""

from __future__ import annotations

from client.clock import monotonic_ms, unix_ms
from client.compare.wire import HEADER_BYTES, Costs
from client.emulation.path import LinkShape, Path
from client.emulation.thin_link import EmulatedLink, connect
from client.feed import SpeakerFeed
from client.sender import FaceSender
from client.stats import ReceiverStats
from client.transport.link import LinkState, OpusFrame
from client.transport.memory import MemoryNetwork

TICK_MS = 100.0


class OurStream:
    """A sender and a renderer's feed, and the link between them; lives on the event loop.

    Attributes:
        costs: from the sender to the renderer.
        feed: what the renderer draws from.
    """

    def __init__(
        self, sender: FaceSender, jitter_delay_ms: float, stats: ReceiverStats, shape: LinkShape
    ) -> None:
        """Connects both ends.

        Args:
            sender: of face packets.
            jitter_delay_ms: least delay of the jitter buffer.
            stats: of the renderer.
            shape: of the link, each way.
        """
        self.costs = Costs()
        self._network = MemoryNetwork()
        self._network.advance_to(monotonic_ms())
        self._paths = (Path(shape, 0), Path(shape, 1))
        near, far = _SenderEnd(sender), _FeedEnd()
        self._near, feed_link = connect(self._network, (near, far), self._paths)
        near.link = self._near
        self.feed = far.feed = SpeakerFeed(feed_link, jitter_delay_ms, stats)
        self._ticked_ms = 0.0
        self._counted = (0, 0)
        self._near.open()

    def reshape(self, shape: LinkShape) -> None:
        """Changes the link, both ways."""
        for path in self._paths:
            path.reshape(shape)

    def advance(self, now_ms: float) -> None:
        """Delivers what has arrived, and does what is due."""
        self._network.advance_to(now_ms)
        self._count(now_ms)
        if now_ms - self._ticked_ms >= TICK_MS:
            self._ticked_ms = now_ms
            self.feed.tick(now_ms, unix_ms())

    async def close(self) -> None:
        """Closes both ends."""
        await self._near.close()

    def _count(self, now_ms: float) -> None:
        sent_bytes, datagrams = self._near.sent_bytes, self._near.sent_datagrams
        wire_bytes, new = sent_bytes - self._counted[0], datagrams - self._counted[1]
        self._counted = (sent_bytes, datagrams)
        if new:
            self.costs.add(now_ms, wire_bytes - new * HEADER_BYTES, wire_bytes)


class _SenderEnd:
    """Ties an end to the sender."""

    link: EmulatedLink

    def __init__(self, sender: FaceSender) -> None:
        self._sender = sender

    def packet_received(self, packet: bytes) -> None:
        """Renderers send no packets."""

    def audio_received(self, frame: OpusFrame) -> None:
        """Renderers send no sound."""

    def control_received(self, text: str) -> None:
        """Passes a renderer's message on."""
        self._sender.control_received(self.link, text, unix_ms())

    def state_changed(self, state: LinkState) -> None:
        """Sends into the link for as long as it is open."""
        if state is LinkState.OPEN:
            self._sender.link_opened(self.link)
        else:
            self._sender.link_closed(self.link)


class _FeedEnd:
    """Ties an end to the feed."""

    feed: SpeakerFeed

    def packet_received(self, packet: bytes) -> None:
        """Passes a packet on."""
        self.feed.packet_received(packet, monotonic_ms())

    def audio_received(self, frame: OpusFrame) -> None:
        """Passes sound on."""
        self.feed.audio_received(frame, monotonic_ms())

    def control_received(self, text: str) -> None:
        """Passes a speaker's message on."""
        self.feed.control_received(text, unix_ms())

    def state_changed(self, state: LinkState) -> None:
        """The feed asks the link itself."""
