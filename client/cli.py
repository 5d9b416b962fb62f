"""The command line: finds the commands, and turns every foreseen failure into one line.

Commands import what they need when they run, so that `--help` is quick and `send` never
imports torch.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from client.commands import (
    ablation,
    bench,
    calling,
    comparison,
    demo,
    enrolment,
    evaluation,
    hdtf,
    identity,
    opinions,
    recording,
)
from client.errors import ToldError
from client.native_output import quiet_native_output
from codec.errors import NerfcallError

PLUGINS = "nerfcall.commands"
"""Entry points of commands that this package must not import, such as the server's."""
ORDER = (
    *("demo", "serve", "token", "call", "send", "receive", "identity", "revoke"),
    *("track", "enroll", "encode", "decode", "replay", "evaluate", "report", "ablation"),
    *("opinions", "hdtf", "bench"),
)
GROUPS = ("bench", "opinions")
"""Commands that have commands of their own."""
USAGE_STATUS = 2
INTERRUPTED_STATUS = 130

UsageError: type[Any] = typer.BadParameter.__mro__[1]
"""The parent of all complaints about how a command was called; typer does not export it."""


class Commands(TyperGroup):
    """The commands in the order in which a person meets them, plug-ins included."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names of all commands."""
        plugins = entry_points(group=PLUGINS).names
        return sorted({*super().list_commands(ctx), *plugins}, key=_rank)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Returns a command, loading a plug-in when it is asked for."""
        command = super().get_command(ctx, cmd_name)
        for plugin in () if command else entry_points(group=PLUGINS, name=cmd_name):
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(plugin.load())
            command = typer.main.get_command(alone)
        return command


def _rank(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "A video call in which no video crosses the network: about 40 entropy-coded numbers "
        "a frame drive a radiance field of the speaker.\n\nStart with [bold]nerfcall demo[/]."
    ),
    rich_markup_mode="rich",
)
app.command("demo")(demo.demo)
app.command("call")(calling.call)
app.command("send")(calling.send)
app.command("receive")(calling.receive)
app.command("identity")(identity.identity)
app.command("revoke")(identity.revoke)
app.command("track")(enrolment.track)
app.command("enroll")(enrolment.enroll)
app.command("encode")(recording.encode)
app.command("decode")(recording.decode)
app.command("replay")(recording.replay)
app.command("evaluate")(evaluation.evaluate)
app.command("report")(comparison.report)
app.command("ablation")(ablation.ablation)
app.add_typer(opinions.app, name="opinions")
app.command("hdtf")(hdtf.hdtf)
app.add_typer(bench.app, name="bench")


def run(arguments: Sequence[str]) -> int:
    """Runs one command.

    Args:
        arguments: what follows `nerfcall`.

    Returns:
        The exit status: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C.
    """
    words = [word for word in arguments[:2] if not word.startswith("-")]
    name = " ".join(["nerfcall", *words[: 2 if words and words[0] in GROUPS else 1]])
    try:
        status = typer.main.get_command(app).main(
            list(arguments), prog_name="nerfcall", standalone_mode=False
        )
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED_STATUS
    except ToldError:
        return 1
    except NerfcallError as error:
        return _complain(name, str(error), 1)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        return _complain(name, f"{error.filename}: {reason}" if error.filename else reason, 1)
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # and the help is shown already
            return USAGE_STATUS
        message = error.format_message().rstrip(".")
        return _complain(name, f"{message}. See '{name} --help'.", USAGE_STATUS)
    return status if isinstance(status, int) else 0


def _complain(name: str, message: str, status: int) -> int:
    print(f"{name}: {' '.join(message.split())}", file=sys.stderr)
    return status


def main() -> None:
    """The console script `nerfcall`."""
    quiet_native_output()
    # OpenBLAS's threads spin while they wait for each other. The matrices of a frame are too
    # small to gain from them, and beside a receiver a sender took three times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # A termination signal is a Ctrl-C: what a command has begun is put in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
