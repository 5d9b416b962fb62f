"""The page of a comparison: pictures and figures as they come, and what a person sets."""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import replace

import cv2
import numpy as np
from aiohttp import WSMsgType, web
from numpy.typing import NDArray

from client.clock import monotonic_ms
from client.compare.comparison import Comparison
from client.compare.screen import Screen
from client.compare.wire import Costs
from client.emulation.path import LinkShape
from client.errors import ControlMessageError
from client.local_page import add_page
from models.evaluation.codecs.classic import Setting

FIGURES_S = 0.5
MAX_MESSAGE_BYTES = 4096
MAX_LOSS = 0.5
MAX_DELAY_MS = 1000.0
MIN_RATE_KBPS, MAX_RATE_KBPS = 1.0, 1000.0
SOURCE, OURS, CLASSIC = range(3)
_PICTURE = struct.Struct("!B")

Image = NDArray[np.uint8]


class CompareApp:
    """The request handlers; any number of pages see the same."""

    def __init__(self, comparison: Comparison, settings: list[Setting], clip: str) -> None:
        """Args: comparison: that runs. settings: classic codecs to choose. clip: its name."""
        self._comparison = comparison
        self._settings = {setting.name: setting for setting in settings}
        self._clip = clip

    def build(self) -> web.Application:
        """Puts the application together.

        Raises:
            ClientError: the page's files are missing.
        """
        app = web.Application()
        app.router.add_get("/live", self.live)
        add_page(app, "compare")
        return app

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        """Answers `GET /live`: a WebSocket.

        To the page: JSON figures (docs/compare.md), and pictures: one byte, 0 source, 1 ours,
        2 classic, and a BMP. From the page: JSON with any of `loss`, `delay_ms`, `rate_kbps`,
        `codec`.
        """
        socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE_BYTES)
        await socket.prepare(request)
        showing = asyncio.create_task(self._show(socket))
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                try:
                    self._set(message.data)
                except ControlMessageError as error:
                    await socket.send_json({"error": str(error)})
        finally:
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
        return socket

    async def _show(self, socket: web.WebSocketResponse) -> None:
        """Sends the newest pictures; a slow page skips, nothing waits for it."""
        comparison = self._comparison
        screens = (comparison.source_screen, comparison.our, comparison.classic)
        sent: list[Image | None] = [None, None, None]
        figures_ms = 0.0
        while not socket.closed:
            changed = comparison.changed
            for number, screen in enumerate(screens):
                picture = screen.picture
                if picture is not None and picture is not sent[number]:
                    sent[number] = picture
                    await socket.send_bytes(_PICTURE.pack(number) + to_bmp(picture))
            if monotonic_ms() - figures_ms >= FIGURES_S * 1000.0:
                figures_ms = monotonic_ms()
                await socket.send_str(json.dumps(self.figures(figures_ms)))
            try:
                async with asyncio.timeout(FIGURES_S):
                    await changed.wait()
            except TimeoutError:
                continue

    def figures(self, now_ms: float) -> dict[str, object]:
        """What the page says under the pictures."""
        comparison = self._comparison
        choice = comparison.choice
        return {
            "clip": self._clip,
            "codecs": list(self._settings),
            "codec": comparison.setting.name,
            "status": comparison.status,
            "choice": choice
            and {
                "side_px": choice.side_px,
                "step": choice.step,
                "quantizer": choice.quantizer,
            },
            "side_px": comparison.side_px,
            "link": {
                "loss": comparison.shape.loss,
                "delay_ms": comparison.shape.delay_ms,
                "rate_kbps": comparison.shape.rate_kbps,
            },
            "filmed_frames": comparison.filmed_frames,
            "skipped_frames": comparison.skipped_frames,
            "source": _figures(comparison.source_screen, None, now_ms),
            "ours": _figures(comparison.our, comparison.our_costs, now_ms),
            "classic": _figures(comparison.classic, comparison.classic_costs, now_ms),
        }

    def _set(self, text: str) -> None:
        """Does what the page asks for.

        Raises:
            ControlMessageError: it makes no sense.
        """
        try:
            wish = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ControlMessageError("expected JSON, got something else") from error
        if not isinstance(wish, dict):
            raise ControlMessageError(f"expected an object, got {type(wish).__name__}")
        codec = wish.get("codec")
        if codec is not None:
            setting = self._settings.get(codec) if isinstance(codec, str) else None
            if setting is None:
                raise ControlMessageError(
                    f"expected a codec of {', '.join(self._settings)}, got {str(codec)[:20]!r}"
                )
            if setting is not self._comparison.setting:
                self._comparison.use(setting)
        shape = wished_shape(self._comparison.shape, wish)
        if shape != self._comparison.shape:
            self._comparison.reshape(shape)


def wished_shape(shape: LinkShape, wish: dict[str, object]) -> LinkShape:
    """The link that a page asks for; what it does not name stays.

    Raises:
        ControlMessageError: a number is missing or out of range.
    """
    loss = _number(wish, "loss", shape.loss, 0.0, MAX_LOSS)
    delay_ms = _number(wish, "delay_ms", shape.delay_ms, 0.0, MAX_DELAY_MS)
    rate_kbps = shape.rate_kbps
    if "rate_kbps" in wish:
        is_none = wish["rate_kbps"] is None
        rate_kbps = (
            None if is_none else _number(wish, "rate_kbps", 0.0, MIN_RATE_KBPS, MAX_RATE_KBPS)
        )
    return replace(shape, loss=loss, delay_ms=delay_ms, rate_kbps=rate_kbps)


def _number(wish: dict[str, object], name: str, otherwise: float, low: float, high: float) -> float:
    value = wish.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ControlMessageError(f"expected {name} between {low:g} and {high:g}, got another")
    return float(value)


def _figures(screen: Screen, costs: Costs | None, now_ms: float) -> dict[str, object]:
    return {
        "payload_kbps": None if costs is None else round(costs.payload_kbps(now_ms), 2),
        "wire_kbps": None if costs is None else round(costs.wire_kbps(now_ms), 2),
        "psnr_db": _rounded(screen.psnr_db, 2),
        "fps": round(screen.pictures.per_second(now_ms), 1),
        "latency_ms": _rounded(screen.latency_ms, 0),
        "frozen_ms": round(screen.frozen_ms(now_ms)),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def to_bmp(rgb: Image) -> bytes:
    """A picture as it is, in a form that every browser reads; it never leaves the machine."""
    _, bmp = cv2.imencode(".bmp", rgb[..., ::-1])
    return bmp.tobytes()
