"""The command line itself: what it offers, how fast it says so, and how failures read."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from client import cli
from client.commands import calling
from client.control import MAX_SIZE_PX, MIN_SIZE_PX
from client.errors import CaptureError, ToldError

COMMANDS = [
    *("demo", "serve", "call", "send", "receive", "identity", "revoke"),
    *("track", "enroll", "encode", "decode", "evaluate", "report", "bench"),
]
BENCHES = ["render", "codec", "track", "wire"]


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


def test_help_names_every_command_in_the_order_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    text = capsys.readouterr().out
    places = [text.index(f"│ {name} ") for name in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("command", [[name] for name in COMMANDS] + [["bench", b] for b in BENCHES])
def test_every_command_explains_itself(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*command, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"Usage: nerfcall {' '.join(command)} " in out
    # A sentence about the command, and one about each of its options.
    assert len(out.splitlines()) > 8


def test_help_is_quick_and_sending_needs_no_torch() -> None:
    program = (
        "import sys; from client import cli; status = cli.run(['--help']);"
        "import client.session, client.parts, models.face.analyzer, models.portrait.speaker;"
        "assert status == 0; assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0
    times_s = []
    for _ in range(3):
        # Processor time: what the machine does beside the test must not decide it.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "client.cli", "--help"], capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times_s.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert min(times_s) < 2.0


def failing(error: Exception) -> typer.Typer:
    app = typer.Typer(cls=cli.Commands)

    @app.command()
    def work() -> None:
        raise error

    @app.command()
    def rest() -> None:
        """Makes the other one a command among several."""

    return app


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (
            CaptureError("expected a camera,\n  got none"),
            1,
            "nerfcall work: expected a camera, got none\n",
        ),
        (
            PermissionError(13, "Permission denied", "/etc/x"),
            1,
            "nerfcall work: /etc/x: Permission denied\n",
        ),
        (KeyboardInterrupt(), 130, ""),
        (ToldError("a child has said it"), 1, ""),
    ],
)
def test_a_foreseen_failure_is_one_line(
    error: Exception,
    status: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cli, "app", failing(error))
    assert cli.run(["work"]) == status
    assert capsys.readouterr() == ("", line)


def test_what_nobody_foresaw_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "app", failing(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.run(["work"])


def test_wrong_usage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["encode", "a.mp4", "--speaker", "b", "-o", "c", "--profile", "lossy"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert "'lossy'" in err and "lossless" in err and "nerfcall encode --help" in err


def test_a_missing_option_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["encode", "a.mp4", "-o", "c"]) == 2
    line = "nerfcall encode: Missing option '--speaker'. See 'nerfcall encode --help'.\n"
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize("arguments", [[], ["bench"]])
def test_a_command_alone_is_its_help(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == 2
    out, err = capsys.readouterr()
    assert "Commands" in out and err == ""


def test_native_noise_stays_off_the_terminal() -> None:
    program = (
        "import os, sys; from client.native_output import quiet_native_output as quiet;"
        "quiet(); os.write(2, b'noise of a library'); print('a line', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == "a line\n"


def test_sizes_offered_are_those_that_a_receiver_can_render() -> None:
    assert (calling.MIN_SIZE_PX, calling.MAX_SIZE_PX) == (MIN_SIZE_PX, MAX_SIZE_PX)


@pytest.mark.parametrize(
    ("participant", "address"),
    [
        (None, "http://host:8080/?room=blue+room"),
        ("ann", "http://host:8080/?room=blue+room&participant=ann"),
    ],
)
def test_the_pages_address_names_room_and_participant(
    participant: str | None, address: str
) -> None:
    assert calling.page_address("http://host:8080/", "blue room", participant) == address


def test_an_installed_command_line_is_this_one() -> None:
    command = Path(sys.executable).parent / "nerfcall"
    done = subprocess.run([command, "dance"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("nerfcall dance: No such command 'dance'")
