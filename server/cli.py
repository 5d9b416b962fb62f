"""The command `nerfcall serve`."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer

from codec.errors import NerfcallError
from server.config import DemoSettings, ServerSettings, default_store_dir
from server.ice import parse_ice_server
from server.listen import listen, stop_on_signals


def serve(
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port; 0 takes any free one.")
    ] = 8080,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for uploaded speaker files.",
            show_default="the cache folder, ~/.cache/nerfcall/server",
        ),
    ] = None,
    ice_server: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVER",
            envvar="NERFCALL_ICE_SERVERS",
            help=(
                "STUN or TURN server for peers behind routers: stun:HOST:PORT or "
                "turn:HOST:PORT,USERNAME,CREDENTIAL. May be given several times; in the "
                "environment variable, separate them by spaces."
            ),
        ),
    ] = None,
    demo_source: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Show this clip beside the portrait (demo)."),
    ] = None,
    demo_room: Annotated[
        str, typer.Option(metavar="NAME", help="Room that the page joins in a demo.")
    ] = "demo",
    demo_duration_ms: Annotated[
        int | None,
        typer.Option(
            metavar="MS",
            help="Length of one loop of the demo's clip.",
            show_default="what the sender says",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log who joins and leaves.")
    ] = False,
) -> None:
    """Run the server: it brings callers together, keeps speaker files, and serves the page.

    Speakers, renderers and viewers meet here and then talk to each other directly. Ctrl-C ends
    it; calls that are running notice, and rejoin when it is back.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(message)s"
    )
    # aiohttp logs a traceback for every request that is no HTTP; it has answered 400 already.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    try:
        demo = (
            None if demo_source is None else DemoSettings(demo_room, demo_source, demo_duration_ms)
        )
        settings = ServerSettings(
            store_dir=store or default_store_dir(),
            host=host,
            port=port,
            ice_servers=tuple(parse_ice_server(text) for text in ice_server or ()),
            demo=demo,
        )
        asyncio.run(_serve(settings))
    except NerfcallError as error:
        typer.echo(f"nerfcall serve: {error}", err=True)
        raise typer.Exit(1) from None


async def _serve(settings: ServerSettings) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    await listen(settings, stop, lambda url: typer.echo(f"nerfcall server listening on {url}"))
