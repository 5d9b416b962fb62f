"""The two connections with the page that is open, made again when they are lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from client.call_page.avatar import Avatar
from client.call_page.camera import BrowserCamera
from client.call_page.intake import Intake
from client.call_page.messages import Media, Signal
from client.call_page.microphone import BrowserMicrophone
from client.peers import FIRST_RETRY_S, SIGNAL_TIMEOUT_S, TICK_S
from client.receiver import Receiver
from client.transport import negotiation
from client.viewers import View
from codec.errors import NerfcallError

logger = logging.getLogger(__name__)

VIEWER = "own page"
SIGNALS = 4
"""Of either connection that may wait."""


class PageMedia:
    """Serves one page: the portrait that it watches, and the camera that it brings."""

    def __init__(
        self,
        receiver: Receiver,
        avatar: Avatar,
        camera: BrowserCamera | None,
        microphone: BrowserMicrophone | None,
        send: Callable[[Media, Mapping[str, object]], None],
    ) -> None:
        """Prepares to connect.

        Args:
            receiver: renders the portrait.
            avatar: our own.
            camera: gets the browser's pictures; None where they come from elsewhere.
            microphone: gets the browser's sound; None where it comes from elsewhere.
            send: sends a signal to the page.
        """
        self._receiver = receiver
        self._avatar = avatar
        self._camera = camera
        self._microphone = microphone
        self._send = send
        self._answers: asyncio.Queue[Mapping[str, object]] = asyncio.Queue(SIGNALS)
        self._offers: asyncio.Queue[Mapping[str, object]] = asyncio.Queue(SIGNALS)
        self._again = asyncio.Event()

    def signaled(self, signal: Signal) -> None:
        """The page sent a signal; one that nobody waits for is lost."""
        is_answer = signal.data["kind"] == "answer"
        if is_answer is not (signal.media is Media.PORTRAIT):
            return
        waiting = self._answers if is_answer else self._offers
        if not waiting.full():
            waiting.put_nowait(signal.data)

    def reconnect(self) -> None:
        """The page sees nothing any more and wants another connection."""
        self._again.set()

    async def run(self) -> None:
        """Keeps both connections until cancelled."""
        self._avatar.watchers += 1
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._show())
                group.create_task(self._take_in())
        finally:
            self._avatar.watchers -= 1

    async def _show(self) -> None:
        while True:
            view = View(negotiation.make_connection(()), self._receiver, VIEWER, nearby=True)
            try:
                await self._serve(view)
            except (NerfcallError, ConnectionError, TimeoutError) as error:
                logger.info("the page: %s", str(error) or "no answer in time")
            finally:
                await view.close()
            await asyncio.sleep(FIRST_RETRY_S)

    async def _serve(self, view: View) -> None:
        while not self._answers.empty():
            self._answers.get_nowait()
        self._again.clear()
        self._send(Media.PORTRAIT, await view.offer())
        async with asyncio.timeout(SIGNAL_TIMEOUT_S):
            answer = await self._answers.get()
        await view.accept(answer)
        while not view.closed.is_set() and not self._again.is_set():
            view.tick()
            await asyncio.sleep(TICK_S)

    async def _take_in(self) -> None:
        intake: Intake | None = None
        try:
            while True:
                offer = await self._offers.get()
                if intake is not None:
                    await intake.close()
                intake = Intake(self._avatar, self._camera, self._microphone)
                try:
                    self._send(Media.CAMERA, await intake.answer(offer))
                except NerfcallError as error:
                    logger.warning("the page's camera: %s", error)
        finally:
            if intake is not None:
                await intake.close()
