"""The commands about who one is, and whether a face may leave this machine."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import aiohttp
import pytest
import typer
from aiohttp.test_utils import TestServer

from client import cli
from client.access import Access
from client.commands import consent
from client.commands.calling import page_address
from client.commands.consent import Share, may_leave
from client.errors import SpeakerTransferError
from client.identity.key import fingerprint, load_identity
from client.speaker_cache import SpeakerCache
from client.speaker_files import SpeakerFiles
from server.app import create_app
from server.config import ServerSettings

PLACE = ("me.speaker", "http://host:8080", "blue")


def test_the_identity_is_printed_and_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "identity.key"
    for _ in range(2):
        assert cli.run(["identity", "--identity", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [fingerprint(load_identity(path).public)] * 2


async def test_only_the_owner_takes_a_file_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    SpeakerCache().keep_whole(hashlib.sha256(b"my face").hexdigest(), b"my face")
    path, key = tmp_path / "me.speaker", tmp_path / "me.key"
    path.write_bytes(b"my face")
    speaker = hashlib.sha256(b"my face").hexdigest()
    store = tmp_path / "store"
    async with TestServer(create_app(ServerSettings(store))) as server:
        url = str(server.make_url("/"))
        async with aiohttp.ClientSession() as http:
            files = SpeakerFiles(http, url, SpeakerCache(tmp_path / "cache"), Access())
            assert await files.upload(path, load_identity(key)) == speaker
            assert await files.upload(path, load_identity(tmp_path / "other.key")) == speaker
        options = [str(path), "--server", url, "--identity"]
        stranger = await asyncio.to_thread(
            cli.run, ["revoke", *options, str(tmp_path / "other.key")]
        )
        assert stranger == 1 and "not_owner" in capsys.readouterr().err
        assert await asyncio.to_thread(cli.run, ["revoke", *options, str(key)]) == 0
        assert capsys.readouterr().out == f"deleted: {speaker}\n"
        assert [file.name for file in store.iterdir()] == [f"{speaker}.revoked"]
        assert SpeakerCache().whole(speaker) is None
        async with aiohttp.ClientSession() as http:
            files = SpeakerFiles(http, url, SpeakerCache(tmp_path / "cache"), Access())
            with pytest.raises(SpeakerTransferError, match="revoked_speaker"):
                await files.upload(path, load_identity(key))


@pytest.mark.parametrize("answer", [True, False])
def test_at_a_terminal_the_owner_is_asked(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    asked: list[str] = []

    def confirm(question: str, **options: object) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr(consent.sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(consent.sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", confirm)
    assert may_leave(Share.ASK, *PLACE) is answer
    assert "http://host:8080" in asked[0] and "'blue'" in asked[0]
    assert may_leave(Share.ROOM, *PLACE) and not may_leave(Share.NEVER, *PLACE)
    assert len(asked) == 1, "who has said it already is not asked"


def test_without_a_terminal_the_command_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent.sys.stdin, "isatty", lambda: False)
    assert may_leave(Share.ASK, *PLACE)
    assert not may_leave(Share.NEVER, *PLACE)


def test_a_token_stands_behind_the_number_sign_of_the_pages_address() -> None:
    address = page_address("https://host", "blue", None, "v1.x-_.y")
    assert address == "https://host/?room=blue#token=v1.x-_.y"


def test_sizes_that_would_show_are_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--speaker", "x", "--carrier", "channel", "--constant-size"]
    assert cli.run(["send", *options]) == 2
    assert "expected --carrier srtp, got channel" in capsys.readouterr().err
