"""The two ends of a speaker's link as paired peers: offering it, and answering it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from client.clock import monotonic_ms, unix_ms
from client.errors import NegotiationError
from client.feed import SpeakerFeed
from client.peers import LAST_RETRY_S, OPEN_TIMEOUT_S, Peer
from client.receiver import Receiver
from client.sender import FaceSender
from client.signaling import Pairing
from client.speaker_files import SpeakerFiles
from client.transport.link import Link, LinkState
from client.transport.rtc import RtcLink
from codec.errors import NerfcallError

logger = logging.getLogger(__name__)

SignalSender = Callable[[str, Mapping[str, object]], None]


class RendererPeer(Peer):
    """A renderer, as a speaker sees it: we offer the link and send into it."""

    def __init__(self, pairing: Pairing, signal: SignalSender, sender: FaceSender) -> None:
        super().__init__(pairing, initiates=True)
        self._signal = signal
        self._sender = sender

    async def connect(self) -> None:
        """Serves one link to its end.

        Raises:
            NegotiationError: it did not come about, or the renderer fell silent.
        """
        self.forget_signals()
        listener = _SenderListener(self._sender)
        link = listener.link = RtcLink(listener, self.pairing.ice_servers, monotonic_ms)
        try:
            self._signal(self.pairing.peer, await link.offer())
            await link.accept(await self.offer_answered())
            await _opened(link)
            await self.attend(link.closed, link.wire, lambda: None)
        finally:
            await link.close()


class SpeakerPeer(Peer):
    """A speaker, as a renderer sees it: we answer its link and draw what comes through."""

    def __init__(
        self,
        pairing: Pairing,
        signal: SignalSender,
        receiver: Receiver,
        files: SpeakerFiles,
        link_opened: Callable[[], None],
    ) -> None:
        """Prepares to follow a speaker.

        Args:
            pairing: who it is.
            signal: sends a signal to a peer.
            receiver: draws it.
            files: gets its speaker file.
            link_opened: called when its link has opened.
        """
        super().__init__(pairing, initiates=False)
        self._signal = signal
        self._receiver = receiver
        self._files = files
        self._link_opened = link_opened

    async def run(self) -> None:
        """Loads the speaker while connecting with it, and connects again when that is lost."""
        self._receiver.speaker_paired()
        loading = asyncio.create_task(self._load())
        try:
            await super().run()
        finally:
            self._receiver.speaker_unpaired()
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)

    async def connect(self) -> None:
        """Serves one link to its end.

        Raises:
            NegotiationError: it did not come about, or the speaker fell silent.
        """
        offer = await self.next_signal()
        listener = _FeedListener()
        link = RtcLink(listener, self.pairing.ice_servers, monotonic_ms)
        feed = listener.feed = SpeakerFeed(
            link, self._receiver.jitter_delay_ms, self._receiver.stats
        )
        try:
            self._signal(self.pairing.peer, await link.answer(offer))
            await _opened(link)
            self._receiver.attach(feed, link.wire)
            self._link_opened()
            await self.attend(link.closed, link.wire, lambda: self._tick(feed))
        finally:
            self._receiver.detach(feed)
            await link.close()

    def _tick(self, feed: SpeakerFeed) -> None:
        portrait = self._receiver.portrait
        if not feed.ready and portrait is not None and portrait.speaker == self.pairing.speaker:
            feed.start(portrait)
        feed.tick(monotonic_ms(), unix_ms())

    async def _load(self) -> None:
        """Gets the speaker file and loads it, again and again until it is there."""
        speaker = self.pairing.speaker
        portrait = self._receiver.portrait
        if speaker is None or (portrait is not None and portrait.speaker == speaker):
            return
        while True:
            try:
                await self._receiver.load(await self._files.fetch(speaker))
                return
            except NerfcallError as error:
                logger.warning("%s", error)
            except Exception:
                logger.exception("loading speaker %.12s…", speaker)
            await asyncio.sleep(LAST_RETRY_S)


class _SenderListener:
    """Ties a link to the sender."""

    link: Link

    def __init__(self, sender: FaceSender) -> None:
        self._sender = sender

    def packet_received(self, packet: bytes) -> None:
        """Renderers send no packets."""

    def control_received(self, text: str) -> None:
        """Passes a renderer's message on."""
        self._sender.control_received(self.link, text, unix_ms())

    def state_changed(self, state: LinkState) -> None:
        """Sends into the link for as long as it is open."""
        if state is LinkState.OPEN:
            self._sender.link_opened(self.link)
        else:
            self._sender.link_closed(self.link)


class _FeedListener:
    """Ties a link to a feed."""

    feed: SpeakerFeed

    def packet_received(self, packet: bytes) -> None:
        """Passes a packet on."""
        self.feed.packet_received(packet, monotonic_ms())

    def control_received(self, text: str) -> None:
        """Passes a speaker's message on."""
        self.feed.control_received(text, unix_ms())

    def state_changed(self, state: LinkState) -> None:
        """The feed asks the link itself."""


async def _opened(link: RtcLink) -> None:
    async with asyncio.timeout(OPEN_TIMEOUT_S):
        await link.opened.wait()
    if link.closed.is_set():
        raise NegotiationError("expected the link to open, got one that failed")
