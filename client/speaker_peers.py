"""The two ends of a speaker's link as paired peers: offering it, and answering it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping

from client import control
from client.clock import monotonic_ms, unix_ms
from client.errors import (
    AuthenticityError,
    IdentityError,
    NegotiationError,
    NotSharedError,
    OwnerChangedError,
    SilenceError,
)
from client.feed import EARLY_PACKETS, SpeakerFeed
from client.identity.certificate import Certificate
from client.identity.doorkeeper import RendererDoor, SpeakerDoor, Trust
from client.peers import (
    FIRST_RETRY_S,
    GONE_MS,
    LAST_RETRY_S,
    OPEN_TIMEOUT_S,
    TICK_S,
    Peer,
)
from client.receiver import Receiver
from client.sender import FaceSender
from client.signaling import Pairing
from client.speaker_download import SpeakerDownload
from client.speaker_files import SpeakerFiles
from client.stats import CallState
from client.transport.link import Link, LinkState, OpusFrame
from client.transport.rtc import Carrier, RtcLink
from codec.errors import NerfcallError
from models.portrait.speaker_layers import BaseLayer

logger = logging.getLogger(__name__)

EARLY_MESSAGES = 64
"""Of a speaker who is not proven yet; what it says first of all is not said again."""
PROOF_TIMEOUT_S = 10.0
"""On an open link; three of its round trips."""

SignalSender = Callable[[str, Mapping[str, object]], None]


class RendererPeer(Peer):
    """A renderer, as a speaker sees it: we offer the link and send into it."""

    def __init__(
        self,
        pairing: Pairing,
        signal: SignalSender,
        sender: FaceSender,
        base: BaseLayer | None,
        door: Callable[[RtcLink], SpeakerDoor],
        carrier: Carrier = Carrier.SRTP,
        *,
        constant_size: bool = False,
    ) -> None:
        """Prepares to serve a renderer.

        Args:
            pairing: who it is.
            signal: sends a signal to a peer.
            sender: sends into its link.
            base: the base layer of the speaker file, if it has layers.
            door: makes what proves, on a link, whose the file is.
            carrier: the best that is offered.
            constant_size: hide how long packets are.
        """
        super().__init__(pairing, initiates=True)
        self._signal = signal
        self._sender = sender
        self._base = base
        self._door = door
        self._carrier = carrier
        self._constant_size = constant_size

    async def connect(self) -> None:
        """Serves a link, and those that take its place when it falls silent, to the end.

        Raises:
            NegotiationError: none came about, or the renderer is gone.
        """
        link = await self._open()
        try:
            while True:
                try:
                    return await self.attend(link.closed, link.wire, lambda: None)
                except SilenceError:
                    successor = await self._replace(link)
                if successor is not None:
                    await link.close()
                    link = successor
        finally:
            await link.close()

    async def _open(self) -> RtcLink:
        """Makes a link.

        Raises:
            NegotiationError: it did not come about.
            TimeoutError: it did not come about in time.
        """
        self.forget_signals()
        listener = _SenderListener(self._sender, self._base)
        link = RtcLink(
            *(listener, self.pairing.ice_servers, monotonic_ms, self._carrier),
            constant_size=self._constant_size,
            patience_s=self.patience_s,
        )
        listener.link = link
        listener.door = self._door(link)
        try:
            self._signal(self.pairing.peer, await link.offer())
            await link.accept(await self.offer_answered())
            await _opened(link)
        except BaseException:
            await link.close()
            raise
        return link

    async def _replace(self, silent: RtcLink) -> RtcLink | None:
        """Makes another link beside a silent one, until either is heard.

        Returns:
            The new link; None if the silent one speaks again.

        Raises:
            SilenceError: neither, for too long.
        """
        heard_ms = silent.wire.heard_ms
        while not silent.closed.is_set() and monotonic_ms() - heard_ms < GONE_MS:
            opening = None if self.stale else asyncio.create_task(self._open())
            try:
                while opening is None or not opening.done():
                    await asyncio.sleep(TICK_S)
                    if silent.wire.heard_ms > heard_ms:
                        return None
                    if silent.closed.is_set() or monotonic_ms() - heard_ms > GONE_MS:
                        break
                else:
                    if opening.exception() is None:
                        made, opening = opening.result(), None
                        return made
            finally:
                if opening is not None:
                    await _give_up(opening)
            await asyncio.sleep(FIRST_RETRY_S)
        raise SilenceError("expected to hear from the peer, got silence and no new connection")


class SpeakerPeer(Peer):
    """A speaker, as a renderer sees it: we answer its link and draw what comes through."""

    def __init__(
        self,
        pairing: Pairing,
        signal: SignalSender,
        receiver: Receiver,
        files: SpeakerFiles,
        link_opened: Callable[[], None],
        trust: Trust,
    ) -> None:
        """Prepares to follow a speaker.

        Args:
            pairing: who it is.
            signal: sends a signal to a peer.
            receiver: draws it.
            files: gets its speaker file.
            link_opened: called when its link has opened, and the speaker is who it says.
            trust: knows whom to draw.
        """
        super().__init__(pairing, initiates=False)
        self._signal = signal
        self._receiver = receiver
        self._files = files
        self._link_opened = link_opened
        self._trust = trust
        self._certificate: Certificate | None = None
        self._standing: tuple[RtcLink, SpeakerFeed] | None = None
        self._base: asyncio.Future[BaseLayer] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Loads the speaker while connecting with it, and connects again when that is lost.

        One who brings no certificate of the file's owner is neither loaded nor connected with.
        """
        self._receiver.speaker_paired()
        try:
            self._certificate = await asyncio.to_thread(self._trust.certificate, self.pairing)
        except (AuthenticityError, IdentityError) as error:
            self._refuse(error)
            await self._ignore()
        else:
            await self._follow()
        finally:
            self._receiver.speaker_unpaired()

    async def _follow(self) -> None:
        loading = asyncio.create_task(self._load_or_log())
        try:
            await super().run()
        finally:
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            await self._retire(self._standing)

    async def _ignore(self) -> None:
        """Hears nothing until the pairing is void."""
        with contextlib.suppress(NegotiationError):
            while not self.stale:
                await self.next_signal()

    def _refuse(self, error: Exception) -> None:
        logger.warning("the speaker is not drawn: %s", error)
        changed = isinstance(error, OwnerChangedError)
        self._receiver.refuse(CallState.OWNER_CHANGED if changed else CallState.NOT_PROVEN)

    async def connect(self) -> None:
        """Serves one link to its end.

        Raises:
            NegotiationError: it did not come about, or the speaker fell silent.
            AuthenticityError: the speaker is not the owner of its file.
        """
        assert self._certificate is not None, "nobody connects without a certificate"
        if self._standing is not None and not self._signals:
            return await self._attend(*self._standing)  # what was to replace it came to nothing
        offer = await self.next_signal()
        listener = _FeedListener()
        servers = self.pairing.ice_servers
        link = RtcLink(listener, servers, monotonic_ms, patience_s=self.patience_s)
        receiver = self._receiver
        feed = listener.feed = SpeakerFeed(
            *(link, receiver.jitter_delay_ms, receiver.stats, receiver.recorder),
            chat=receiver.chat,
        )
        listener.door = self._trust.door(self._certificate, link)
        try:
            self._signal(self.pairing.peer, await link.answer(offer))
            await _opened(link)
            verified = await listener.door.proven(PROOF_TIMEOUT_S)
        except (AuthenticityError, IdentityError) as error:
            await link.close()
            if self._standing is None:  # a stranger's link does not end the speaker's own
                self._refuse(error)
            raise
        except BaseException:
            await link.close()
            raise
        self._receiver.verify(verified)
        before, self._standing = self._standing, (link, feed)
        self._receiver.attach(feed, link.wire)
        self._link_opened()
        await self._retire(before)
        await self._attend(link, feed)

    async def _attend(self, link: RtcLink, feed: SpeakerFeed) -> None:
        """Follows a link until it is over, or until another one is offered: then it stands on."""
        try:
            await self.attend(link.closed, link.wire, lambda: self._tick(feed), GONE_MS)
        finally:
            if link.closed.is_set() or not self._signals:
                standing, self._standing = self._standing, None
                await self._retire(standing)

    async def _retire(self, standing: tuple[RtcLink, SpeakerFeed] | None) -> None:
        if standing is not None:
            link, feed = standing
            self._receiver.detach(feed)
            await link.close()

    def _tick(self, feed: SpeakerFeed) -> None:
        portrait = self._receiver.portrait
        if not feed.ready and portrait is not None and portrait.speaker == self.pairing.speaker:
            feed.start(portrait)
        if feed.layers is not None and not self._base.done():
            self._base.set_result(BaseLayer(feed.layers.base_bytes, feed.layers.base_sha256))
        feed.tick(monotonic_ms(), unix_ms())

    async def _load_or_log(self) -> None:
        while True:
            try:
                return await self._load()
            except NerfcallError as error:
                logger.warning("%s", error)
            except Exception:
                logger.exception("loading speaker %.12s…", self.pairing.speaker)
            await asyncio.sleep(LAST_RETRY_S)

    async def _load(self) -> None:
        """Gets the speaker file and loads it, its base layer first if that is here earlier."""
        speaker = self.pairing.speaker
        portrait = self._receiver.portrait
        if speaker is None or (portrait is not None and portrait.is_whole_of(speaker)):
            return
        content = await self._files.cached(speaker)
        if content is None:
            download = await self._files.download(speaker)
            finishing = asyncio.create_task(self._finish(download))
            drawing = asyncio.create_task(self._draw_base(download))
            try:
                await asyncio.wait([finishing, drawing], return_when=asyncio.FIRST_COMPLETED)
                drawing.cancel()  # if the whole file is here first
                await asyncio.gather(drawing, return_exceptions=True)
                content = await finishing
            finally:
                drawing.cancel()
                finishing.cancel()
                await asyncio.gather(drawing, finishing, return_exceptions=True)
        await self._receiver.load(content)

    async def _finish(self, download: SpeakerDownload) -> bytes:
        """Downloads the whole file, again and again until it is here."""
        while True:
            before = download.received_bytes
            try:
                return await self._files.finish(download)
            except NotSharedError as error:
                logger.info("%s", error)
                self._receiver.withhold()
            except NerfcallError as error:
                logger.warning("%s", error)
            # A connection that brought something is worth another one soon.
            progress = download.received_bytes > before
            await asyncio.sleep(FIRST_RETRY_S if progress else LAST_RETRY_S)

    async def _draw_base(self, download: SpeakerDownload) -> None:
        """Loads the base layer as soon as the speaker has vouched for what is here."""
        try:
            content = await download.base(await self._base)
            await self._files.keep_base(download.speaker, content)
            await self._receiver.load(content, base_of=download.speaker)
        except NerfcallError as error:
            logger.warning("%s; waiting for the whole file", error)
        except Exception:
            logger.exception("loading the base layer of speaker %.12s…", download.speaker)


class _SenderListener:
    """Ties a link to the sender."""

    link: Link
    door: SpeakerDoor

    def __init__(self, sender: FaceSender, base: BaseLayer | None) -> None:
        self._sender = sender
        self._base = base

    def packet_received(self, packet: bytes) -> None:
        """Renderers send no packets."""

    def audio_received(self, frame: OpusFrame) -> None:
        """Renderers send no sound."""

    def control_received(self, text: str) -> None:
        """Passes a renderer's message on."""
        if self.door.took(text):
            return
        self._sender.control_received(self.link, text, unix_ms())

    def state_changed(self, state: LinkState) -> None:
        """Sends into the link for as long as it is open."""
        if state is LinkState.OPEN:
            self.door.opened()
            if self._base is not None:
                layers = control.Layers(self._base.bytes, self._base.sha256)
                self.link.send_control(control.build(layers))
            self._sender.link_opened(self.link)
        else:
            self._sender.link_closed(self.link)


class _FeedListener:
    """Ties a link to a feed."""

    feed: SpeakerFeed
    door: RendererDoor

    def __init__(self) -> None:
        self._early: deque[str] = deque(maxlen=EARLY_MESSAGES)
        self._early_packets: deque[tuple[bytes, float]] = deque(maxlen=EARLY_PACKETS)

    def packet_received(self, packet: bytes) -> None:
        """Passes a speaker's packet on, once it is proven."""
        if self.door.is_open:
            self.feed.packet_received(packet, monotonic_ms())
        else:
            self._early_packets.append((packet, monotonic_ms()))

    def audio_received(self, frame: OpusFrame) -> None:
        """Passes a proven speaker's sound on."""
        if self.door.is_open:
            self.feed.audio_received(frame, monotonic_ms())

    def control_received(self, text: str) -> None:
        """Passes a speaker's messages on, once it is proven."""
        if not self.door.took(text):
            self._early.append(text)
        while self.door.is_open and self._early:
            self.feed.control_received(self._early.popleft(), unix_ms())
        while self.door.is_open and self._early_packets:
            self.feed.packet_received(*self._early_packets.popleft())

    def state_changed(self, state: LinkState) -> None:
        """The feed asks the link itself."""


async def _give_up(opening: asyncio.Task[RtcLink]) -> None:
    """Ends an attempt at a link, also one that has just succeeded."""
    opening.cancel()
    (outcome,) = await asyncio.gather(opening, return_exceptions=True)
    if isinstance(outcome, RtcLink):
        await outcome.close()


async def _opened(link: RtcLink) -> None:
    async with asyncio.timeout(OPEN_TIMEOUT_S):
        await link.opened.wait()
    if link.closed.is_set():
        raise NegotiationError("expected the link to open, got one that failed")
