"""`nerfcall serve` as a process: what a person sees, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path

import aiohttp
import pytest
import typer
from typer.testing import CliRunner

from server.cli import serve

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
        (["--ice-server", "stan:x"], "expected an ICE server as"),
        (["--demo-source", "missing.mp4"], "expected a video file as demo source, got missing.mp4"),
        (["--host", "host.invalid."], "expected to listen on host.invalid."),
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
