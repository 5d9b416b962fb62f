"""The commands `nerfcall serve` and `nerfcall token`."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Annotated

import typer

from codec.errors import NerfcallError
from server.config import DemoSettings, ServerSettings, default_store_dir
from server.errors import SettingsError
from server.garbage import collect_rarely
from server.ice import parse_ice_server
from server.listen import listen, stop_on_signals
from server.logs import LogFormat, log_to_stderr
from server.messages import Role
from server.secret import make_secret, read_secret
from server.tls import TlsFiles
from server.tokens import Grant, TokenSigner


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
    secret_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="NERFCALL_SECRET_FILE",
            help=(
                "Secret that signs room tokens: nobody joins without one, which 'nerfcall token' "
                "prints. Made if it is not there."
            ),
            show_default="none: everybody on this machine may join",
        ),
    ] = None,
    open_: Annotated[
        bool,
        typer.Option("--open", help="Let everybody in without tokens, from other machines too."),
    ] = False,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help=(
                "Site whose pages may connect, as https://HOST, besides this server's own. May be "
                "given several times."
            ),
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(metavar="PEM", help="Certificate chain: serve https, TLS 1.2 or newer."),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="PEM", help="Its key, without a password.")
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            help="Tell peers apart by X-Forwarded-For, which a reverse proxy adds.",
        ),
    ] = False,
    ice_server: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERVER",
            envvar="NERFCALL_ICE_SERVERS",
            help=(
                "STUN or TURN server for peers behind routers: stun:HOST:PORT, or "
                "turn:HOST:PORT,USERNAME,CREDENTIAL, or turn:HOST:PORT with --turn-secret-file. "
                "May be given several times; in the environment variable, separate them by spaces."
            ),
        ),
    ] = None,
    turn_secret_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="NERFCALL_TURN_SECRET_FILE",
            help=(
                "Secret shared with the TURN servers (coturn: use-auth-secret); peers get "
                "credentials that end after ten minutes."
            ),
        ),
    ] = None,
    drain_seconds: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="S",
            help="After a termination signal, let members stay so long; a second one ends it.",
        ),
    ] = 0.0,
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
    log_format: Annotated[
        LogFormat, typer.Option(help="One line of text or one JSON object an event.")
    ] = LogFormat.TEXT,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log who joins and leaves.")
    ] = False,
) -> None:
    """Run the server: it brings callers together, keeps speaker files, and serves the page.

    Speakers, renderers and viewers meet here and then talk to each other directly. Ctrl-C ends
    it; calls that are running notice, and rejoin when it is back.
    """
    log_to_stderr(log_format, verbose=verbose)
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
            secret=None if secret_file is None else _secret(secret_file),
            is_open=open_,
            turn_secret=None if turn_secret_file is None else read_secret(turn_secret_file),
            origins=frozenset(origin or ()),
            behind_proxy=behind_proxy,
            tls=_tls_files(tls_cert, tls_key),
            drain_s=drain_seconds,
        )
        asyncio.run(_serve(settings))
    except NerfcallError as error:
        typer.echo(f"nerfcall serve: {error}", err=True)
        raise typer.Exit(1) from None


def token(
    room: Annotated[
        str, typer.Option(metavar="NAME", help="The one room that it opens.", show_default=False)
    ],
    secret_file: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            envvar="NERFCALL_SECRET_FILE",
            help="The server's secret.",
            show_default=False,
        ),
    ],
    role: Annotated[
        list[Role] | None,
        typer.Option(
            help="What its bearer may be. May be given several times.", show_default="all three"
        ),
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(min=0.1, max=525_600.0, metavar="M", help="How long it lets its bearer join."),
    ] = 60.0,
) -> None:
    """Print a token that lets its bearer join one room for a while.

    Whoever has joined gets a fresh one every few minutes, for as long as they stay.
    """
    try:
        signer = TokenSigner(read_secret(secret_file))
    except NerfcallError as error:
        typer.echo(f"nerfcall token: {error}", err=True)
        raise typer.Exit(1) from None
    expires_unix_s = int(time.time() + 60.0 * minutes)
    typer.echo(signer.sign(Grant(room, frozenset(role or Role), expires_unix_s)))


def _secret(path: Path) -> bytes:
    if path.exists():
        if path.stat().st_mode & 0o077:
            logging.getLogger(__name__).warning("%s can be read by others than its owner", path)
        return read_secret(path)
    make_secret(path)
    typer.echo(f"nerfcall serve: made a secret, {path}", err=True)
    return read_secret(path)


def _tls_files(certificate: Path | None, key: Path | None) -> TlsFiles | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise SettingsError("expected --tls-cert and --tls-key, got one without the other")
    return TlsFiles(certificate, key)


async def _serve(settings: ServerSettings) -> None:
    stop = asyncio.Event()
    stop_on_signals(stop)
    collecting = asyncio.create_task(collect_rarely())
    try:
        await listen(settings, stop, lambda url: typer.echo(f"nerfcall server listening on {url}"))
    finally:
        collecting.cancel()
        await asyncio.wait([collecting])
