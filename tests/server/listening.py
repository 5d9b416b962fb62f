"""A whole server behind its own listening socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from server.config import Limits, ServerSettings
from server.listen import listen
from server.tls import TlsFiles


@asynccontextmanager
async def listening(
    store_dir: Path, limits: Limits | None = None, tls: TlsFiles | None = None
) -> AsyncIterator[str]:
    """Runs a server for the time of the context, and gives its address."""
    stop = asyncio.Event()
    urls: asyncio.Queue[str] = asyncio.Queue()
    settings = ServerSettings(store_dir, port=0, limits=limits or Limits(), tls=tls)
    serving = asyncio.create_task(listen(settings, stop, urls.put_nowait))
    try:
        yield await urls.get()
    finally:
        stop.set()
        await serving
