"""`nerfcall serve` as a process: what a person sees, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path

import aiohttp
import pytest
import typer
from typer.testing import CliRunner

from server.cli import serve, token
from server.messages import Role
from server.secret import make_secret, read_secret
from server.tokens import Grant, TokenSigner

ROOT = Path(__file__).parent.parent.parent


@asynccontextmanager
async def process(*options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "server", *options),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_prints_its_address_serves_and_stops_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with process("--port", "0", "--store", str(tmp_path)) as child:
        assert child.stdout is not None and child.stderr is not None
        line = (await asyncio.wait_for(child.stdout.readline(), 20)).decode()
        assert line.startswith("nerfcall server listening on http://127.0.0.1:")
        url = line.split()[-1]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/healthz") as answer:
                assert answer.status == 200
            async with session.ws_connect(f"{url}/signal") as peer:
                await peer.send_json({"type": "join", "room": "blue", "role": "viewer"})
                assert (await peer.receive_json(timeout=5))["type"] == "joined"
                child.send_signal(number)
                assert (await peer.receive_json(timeout=5))["code"] == "shutting_down"
                await peer.receive(timeout=5)
                assert peer.close_code == 1001
        assert await asyncio.wait_for(child.wait(), 10) == 0
        assert await child.stderr.read() == b""


async def test_what_is_no_http_is_answered_and_not_complained_about(tmp_path: Path) -> None:
    async with process("--port", "0", "--store", str(tmp_path)) as child:
        assert child.stdout is not None and child.stderr is not None
        line = await asyncio.wait_for(child.stdout.readline(), 20)
        port = int(line.decode().rsplit(":", 1)[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01 hello?\r\n\r\n")
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        child.terminate()
        assert await asyncio.wait_for(child.wait(), 10) == 0
        assert await child.stderr.read() == b""


async def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with process("--port", str(port), "--store", str(tmp_path)) as child:
            out, err = await asyncio.wait_for(child.communicate(), 20)
    assert child.returncode == 1
    assert out == b""
    lines = err.decode().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"nerfcall serve: expected to listen on 127.0.0.1:{port}, got: ")
    assert "in use" in lines[0]


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner(env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--host", "0.0.0.0"], "expected a secret to listen on 0.0.0.0 (--secret-file FILE"),
        (["--tls-cert", "a.pem"], "expected --tls-cert and --tls-key, got one without the other"),
        (["--tls-cert", "a.pem", "--tls-key", "b.pem"], "expected a TLS certificate in a.pem"),
        (["--turn-secret-file", "missing"], "expected a secret at missing, got: No such file"),
        (["--ice-server", "turn:t"], "or --turn-secret-file for turn:t, got neither"),
        (["--origin", "example.org/x"], "expected an origin as https://HOST[:PORT]"),
        (["--ice-server", "stan:x"], "expected an ICE server as"),
        (["--demo-source", "missing.mp4"], "expected a video file as demo source, got missing.mp4"),
        (["--host", "host.invalid.", "--open"], "expected to listen on host.invalid."),
    ],
)
def test_a_wrong_option_is_one_clear_line(
    runner: CliRunner, tmp_path: Path, options: list[str], complaint: str
) -> None:
    app = typer.Typer()
    app.command()(serve)
    result = runner.invoke(app, ["--port", "0", "--store", str(tmp_path), *options])
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert complaint in result.stderr


def test_the_command_line_finds_the_command() -> None:
    found = entry_points(group="nerfcall.commands", name="serve")
    assert [entry.load() for entry in found] == [serve]


def run(runner: CliRunner, command: Callable[..., None], *options: str) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(command)
    result = runner.invoke(app, list(options))
    return result.exit_code, result.stdout, result.stderr


def test_a_printed_token_is_one_of_the_server(runner: CliRunner, tmp_path: Path) -> None:
    secret_file = tmp_path / "secret"
    make_secret(secret_file)
    secret = read_secret(secret_file)
    options = ("--secret-file", str(secret_file), "--room", "blue", "--minutes", "2")
    status, out, err = run(runner, token, *options, "--role", "viewer")
    assert (status, err) == (0, "")
    grant = TokenSigner(secret).verify(out.strip(), time.time())
    assert (grant.room, grant.roles) == ("blue", {Role.VIEWER})
    assert 115 < grant.expires_unix_s - time.time() <= 120
    status, out, _ = run(runner, token, *options)
    assert TokenSigner(secret).verify(out.strip(), time.time()).roles == set(Role)


def test_a_token_without_a_secret_is_one_clear_line(runner: CliRunner, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    status, out, err = run(runner, token, "--room", "blue", "--secret-file", str(missing))
    assert (status, out) == (1, "")
    assert (
        err == f"nerfcall token: expected a secret at {missing}, got: No such file or directory\n"
    )
    assert not missing.exists()


async def test_a_server_drains_until_its_members_are_gone(tmp_path: Path) -> None:
    options = ("--port", "0", "--store", str(tmp_path / "store"), "--drain-seconds", "60")
    secret_file = tmp_path / "secret"
    async with process(*options, "--secret-file", str(secret_file)) as child:
        assert child.stdout is not None and child.stderr is not None
        url = (await asyncio.wait_for(child.stdout.readline(), 20)).decode().split()[-1]
        assert secret_file.stat().st_mode & 0o777 == 0o600
        grant = Grant("blue", frozenset(Role), int(time.time()) + 60)
        invitation = TokenSigner(read_secret(secret_file)).sign(grant)
        join = {"type": "join", "room": "blue", "role": "viewer", "token": invitation}
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/signal") as peer:
            await peer.send_json(join)
            assert (await peer.receive_json(timeout=5))["type"] == "joined"
            child.terminate()
            while True:
                async with session.get(f"{url}/healthz") as answer:
                    if answer.status == 503:
                        break
                await asyncio.sleep(0.05)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"{url}/signal")
            assert refused.value.status == 503
            await peer.send_json({"type": "ping"})
            assert (await peer.receive_json(timeout=5))["type"] == "pong"
        assert await asyncio.wait_for(child.wait(), 10) == 0


async def test_the_second_signal_ends_a_drain(tmp_path: Path) -> None:
    options = ("--port", "0", "--store", str(tmp_path), "--drain-seconds", "60")
    async with process(*options) as child:
        assert child.stdout is not None
        url = (await asyncio.wait_for(child.stdout.readline(), 20)).decode().split()[-1]
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/signal") as peer:
            child.terminate()
            with pytest.raises(asyncio.TimeoutError):
                await peer.receive(timeout=0.5)
            child.terminate()
            assert (await peer.receive_json(timeout=5))["code"] == "shutting_down"
        assert await asyncio.wait_for(child.wait(), 10) == 0
