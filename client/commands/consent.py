"""Whether a speaker file may leave this machine: asked once for every call."""

from __future__ import annotations

import logging
import sys
from enum import StrEnum

import typer

logger = logging.getLogger(__name__)


class Share(StrEnum):
    """What its owner says."""

    ASK = "ask"
    ROOM = "room"
    NEVER = "never"


def may_leave(share: Share, speaker: str, server: str, room: str) -> bool:
    """Whether a speaker file may be given to a server, for those who are in a room.

    Args:
        share: what was said on the command line.
        speaker: the file's name.
        server: its address.
        room: of the call.

    Returns:
        Without a terminal to ask at, the command was written down beforehand, with the room and
        the file in it: that is taken for a yes.
    """
    if share is not Share.ASK:
        return share is Share.ROOM
    where = f"the server {server}, for everybody who is in room {room!r}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        logger.info("%s goes to %s", speaker, where)
        return True
    typer.echo(
        f"{speaker} is your face. Whoever has it can draw you; nerfcall draws it for nobody but "
        "you.",
        err=True,
    )
    return typer.confirm(f"Give it to {where}?", default=False, err=True)
