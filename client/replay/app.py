"""What the page of a recorded call asks for: what there is, its sound, its pictures."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
from aiohttp import web

from client.control import MAX_SIZE_PX, MIN_SIZE_PX
from client.local_page import add_page, query_number
from client.receiver import clamp_size
from client.replay.player import CallPlayer

MAX_DURATION_MS = 1e9


@dataclass(frozen=True, slots=True)
class ReplayedCall:
    """A call that is ready to be shown.

    Attributes:
        name: of its file.
        speaker: sha256 of the speaker file.
        fps: frames a second of the source.
        start_unix_ms: wall clock at its beginning, if it was a live one.
        from_ms: where to begin.
        soundtrack: its sound, a WebM file as long as the call.
        has_sound: whether there is anything to be heard in it.
        is_cut: whether its end is missing.
        damaged_blocks: stretches that are missing in it.
    """

    name: str
    speaker: str
    fps: float
    start_unix_ms: int | None
    from_ms: float
    soundtrack: Path
    has_sound: bool
    is_cut: bool
    damaged_blocks: int


class ReplayApp:
    """The request handlers. Pictures are drawn one at a time, in a thread of their own.

    A picture is a BMP: it never leaves the machine, so nothing is to be gained from packing it,
    and what the page shows is what the renderer drew.
    """

    def __init__(self, call: ReplayedCall, player: CallPlayer) -> None:
        self._call = call
        self._player = player
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")

    def build(self) -> web.Application:
        """Puts the application together.

        Raises:
            ClientError: the page's files are missing.
        """
        app = web.Application()
        app.router.add_get("/call.json", self.call)
        app.router.add_get("/sound.webm", self.sound)
        app.router.add_get("/picture", self.picture)
        add_page(app, "replay")
        return app

    def close(self) -> None:
        """Waits for the picture that is being drawn."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def call(self, request: web.Request) -> web.Response:
        """Answers `GET /call.json`."""
        call = self._call
        return web.json_response(
            {
                "name": call.name,
                "speaker": call.speaker,
                "fps": call.fps,
                "start_unix_ms": call.start_unix_ms,
                "from_ms": call.from_ms,
                "duration_ms": self._player.duration_ms,
                "has_sound": call.has_sound,
                "is_cut": call.is_cut,
                "damaged_blocks": call.damaged_blocks,
            }
        )

    async def sound(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET /sound.webm`, ranges included."""
        return web.FileResponse(self._call.soundtrack, headers={"Content-Type": "audio/webm"})

    async def picture(self, request: web.Request) -> web.Response:
        """Answers `GET /picture?at_ms=…&size=…`: what is to be seen then.

        `X-Start-Ms` and `X-End-Ms` say from when until when (the end is missing where nothing
        follows), `X-Tracking` what the speaker's tracker saw.

        Raises:
            HTTPBadRequest: no such time or size.
        """
        at_ms = query_number(request, "at_ms", 0.0, MAX_DURATION_MS)
        size = clamp_size(round(query_number(request, "size", MIN_SIZE_PX, MAX_SIZE_PX)))
        loop = asyncio.get_running_loop()
        body, headers = await loop.run_in_executor(self._pool, self._draw, at_ms, size)
        return web.Response(body=body, content_type="image/bmp", headers=headers)

    def _draw(self, at_ms: float, size: int) -> tuple[bytes, dict[str, str]]:
        shot = self._player.shot_at(at_ms)
        rgb = self._player.draw(shot, size)
        _, bmp = cv2.imencode(".bmp", rgb[..., ::-1])
        headers = {
            "X-Start-Ms": f"{shot.start_ms:.3f}",
            "X-Tracking": shot.state.tracking.name.lower(),
        }
        if shot.end_ms is not None:
            headers["X-End-Ms"] = f"{shot.end_ms:.3f}"
        return bmp.tobytes(), headers
