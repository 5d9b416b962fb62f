"""Settings: the options of the command line, checked once."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import DemoSettings, ServerSettings, default_store_dir
from server.errors import SettingsError
from server.ice import IceServer, parse_ice_server
from server.rate import TokenBucket


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("stun:stun.example:3478", IceServer("stun:stun.example:3478")),
        (" stuns:stun.example ", IceServer("stuns:stun.example")),
        ("turn:t.example:3478,ada,pass", IceServer("turn:t.example:3478", "ada", "pass")),
        (
            "turns:t.example:443?transport=tcp,ada,pass,with,commas",
            IceServer("turns:t.example:443?transport=tcp", "ada", "pass,with,commas"),
        ),
    ],
)
def test_ice_servers_are_read(text: str, server: IceServer) -> None:
    assert parse_ice_server(text) == server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stun.example",
        "http://stun.example",
        "stun:",
        "stun:a:b",
        "stun:a,ada,pass",
        "turn:a,ada",
        "turn:a,,pass",
        "turn:a?transport=sctp,ada,pass",
    ],
)
def test_other_ice_servers_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="expected an ICE server as stun:HOST:PORT or turn:"):
        parse_ice_server(text)


def test_a_refused_ice_server_keeps_its_password_to_itself() -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_ice_server("tarn:a,ada,secret")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(tmp_path: Path, port: int) -> None:
    with pytest.raises(SettingsError, match=f"from 0 to 65535, got {port}"):
        ServerSettings(tmp_path, port=port)


def test_a_demo_needs_its_clip(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="expected a video file as demo source"):
        ServerSettings(tmp_path, demo=DemoSettings("demo", tmp_path / "missing.mp4"))


def test_a_demo_of_no_length_is_refused(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    with pytest.raises(SettingsError, match="above 0 ms, got 0"):
        ServerSettings(tmp_path, demo=DemoSettings("demo", clip, 0))


def test_the_store_follows_the_base_directory_convention(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/ada")
    assert default_store_dir() == Path("/var/tmp/ada/nerfcall/server")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert default_store_dir() == Path.home() / ".cache/nerfcall/server"


def test_a_token_bucket_allows_a_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(3, refill_per_s=2.0, now_s=10.0)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(10.5) for _ in range(2)] == [True, False]
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
