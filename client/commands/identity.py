"""The commands `identity` and `revoke`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.options import (
    DEFAULT_SERVER,
    IdentityOption,
    ServerOption,
    TokenOption,
)

if TYPE_CHECKING:
    from client.identity.key import Identity


def identity(path: IdentityOption = None) -> None:
    """Print the fingerprint of your identity: the key that your speaker files belong to.

    Made when it is first needed. Whoever watches you for the first time can compare it.
    """
    from client.identity.key import fingerprint, load_identity

    typer.echo(fingerprint(load_identity(path).public))


def revoke(
    speaker: Annotated[
        Path, typer.Argument(metavar="SPEAKER", help="Your speaker file.", show_default=False)
    ],
    server: ServerOption = DEFAULT_SERVER,
    token: TokenOption = None,
    identity: IdentityOption = None,
) -> None:
    """Take a speaker file back from a server: it is deleted there and never accepted again.

    Only the identity that gave it there can do this. Copies that others fetched stay theirs, but
    nobody except you can appear with one.
    """
    from client.identity.key import load_identity

    gone = asyncio.run(_revoke(speaker, server, token, load_identity(identity)))
    typer.echo(f"deleted: {gone}")


async def _revoke(path: Path, server: str, token: str | None, owner: Identity) -> str:
    import aiohttp

    from client.access import Access
    from client.speaker_cache import SpeakerCache
    from client.speaker_files import SpeakerFiles

    async with aiohttp.ClientSession() as http:
        return await SpeakerFiles(http, server, SpeakerCache(), Access(token)).revoke(path, owner)
