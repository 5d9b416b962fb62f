"""Two ends of a link, the speaker's and the renderer's, and how to make time pass."""

from __future__ import annotations

import asyncio

from client.clock import monotonic_ms
from client.transport.link import Link
from client.transport.memory import Impairment, MemoryLink, MemoryNetwork
from client.transport.rtc import Carrier, RtcLink
from tests.client.doubles import Recorder


class Ends:
    """Two ends of a link, the speaker's and the renderer's, and how to make time pass."""

    near: Link
    far: Link

    def __init__(self) -> None:
        self.near_heard = Recorder()
        self.far_heard = Recorder()


class MemoryEnds(Ends):
    near: MemoryLink
    far: MemoryLink

    def __init__(self, impairment: Impairment) -> None:
        super().__init__()
        self.network = MemoryNetwork()
        self.near, self.far = self.network.connect(self.near_heard, self.far_heard, impairment)

    async def open(self) -> None:
        self.near.open()

    async def settle(self) -> None:
        self.network.advance_to(self.network.now_ms + 10_000)


class RtcEnds(Ends):
    near: RtcLink
    far: RtcLink

    def __init__(self, near: Carrier = Carrier.SRTP, far: Carrier = Carrier.SRTP) -> None:
        super().__init__()
        self.near = RtcLink(self.near_heard, [], monotonic_ms, near)
        self.far = RtcLink(self.far_heard, [], monotonic_ms, far)

    async def open(self) -> None:
        answer = await self.far.answer(await self.near.offer())
        await self.near.accept(answer)
        async with asyncio.timeout(5):
            await self.near.opened.wait()
            await self.far.opened.wait()

    async def settle(self) -> None:
        await asyncio.sleep(0.3)

    def lose_datagrams(self, lost: tuple[bool, ...]) -> None:
        """Drops what the near end sends, by a pattern that repeats."""
        ice = self.near._connection.sctp.transport.transport
        send, count = ice._send, iter(range(1_000_000))

        async def lossy(data: bytes) -> None:
            if not lost[next(count) % len(lost)]:
                await send(data)

        ice._send = lossy
