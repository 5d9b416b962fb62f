"""The page, its configuration, health, metrics, and what every answer has in common."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from server.config import DemoSettings
from tests.server.serving import join, serving

WEB = Path(__file__).parent.parent.parent / "web"


@pytest.fixture
def demo(tmp_path: Path) -> DemoSettings:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(bytes(range(200)))
    return DemoSettings("demo", clip, 8000)


async def test_the_page_and_everything_it_names_is_served(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        page = await client.get("/?room=blue&participant=ada")
        assert page.status == 200
        assert page.content_type == "text/html"
        named = re.findall(r'(?:src|href)="([^"]+)"', await page.text())
        assert {"style.css", "icon.svg", "js/main.js", "/"} <= set(named)
        for name in named:
            assert (await client.get(f"/{name.lstrip('/')}")).status == 200, name


async def test_scripts_come_as_scripts_and_import_what_exists(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        for module in sorted((WEB / "js").glob("*.js")):
            answer = await client.get(f"/js/{module.name}")
            assert answer.content_type in ("text/javascript", "application/javascript")
            for imported in re.findall(r'from "\./([^"]+)"', await answer.text()):
                assert (WEB / "js" / imported).is_file(), f"{module.name} imports {imported}"


async def test_files_outside_of_the_page_are_not_served(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        for path in ("/../pyproject.toml", "/%2e%2e/pyproject.toml", "/js/%2e%2e/%2e%2e/README.md"):
            answer = await client.get(path)
            assert answer.status == 404
            assert await answer.json() == {"error": "not_found", "message": "404: Not Found"}
        assert (await client.get("/js/")).status == 404


async def test_pages_of_commands_are_served_elsewhere(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        for page in ("call", "compare", "enrol", "opinions", "replay"):
            assert (WEB / page / "index.html").is_file()
            assert (await client.get(f"/{page}/index.html")).status == 404


async def test_without_a_demo_the_configuration_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        config = await (await client.get("/config.json")).json()
        assert config == {"version": version("nerfcall"), "demo": None}
        source = await client.get("/demo/source")
        assert source.status == 404
        assert (await source.json())["message"].startswith("expected a demo's server")


async def test_a_demo_shows_its_clip_in_ranges(tmp_path: Path, demo: DemoSettings) -> None:
    async with serving(tmp_path, demo=demo) as client:
        config = await (await client.get("/config.json")).json()
        assert config["demo"] == {"room": "demo", "source": "/demo/source", "duration_ms": 8000}
        whole = await client.get("/demo/source")
        assert (whole.content_type, await whole.read()) == ("video/mp4", bytes(range(200)))
        part = await client.get("/demo/source", headers={"Range": "bytes=10-19"})
        assert (part.status, await part.read()) == (206, bytes(range(10, 20)))
        assert part.headers["Content-Range"] == "bytes 10-19/200"


async def test_a_demo_clip_that_disappears_is_a_404(tmp_path: Path, demo: DemoSettings) -> None:
    async with serving(tmp_path, demo=demo) as client:
        demo.source.unlink()
        assert (await client.get("/demo/source")).status == 404


@pytest.mark.parametrize("path", ["/", "/config.json", "/healthz", "/metrics", "/nowhere"])
async def test_every_answer_is_guarded(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as client:
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-cache"


async def test_pages_run_their_own_scripts_and_nothing_in_markup(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        policy = (await client.get("/")).headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    for kind in ("script", "style", "img", "media", "connect"):
        assert directives[f"{kind}-src"] == "'self'"
    for page in WEB.rglob("*.html"):
        text = page.read_text()
        assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\s(?:style|on[a-z]+)=", text), page


async def test_health_counts_rooms_and_peers(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await join(client, "viewer", room="blue")
        await join(client, "viewer", room="red")
        answer = await client.get("/healthz")
        health = await answer.json()
        assert answer.status == 200
        assert health["uptime_s"] >= 0
        assert (health["status"], health["rooms"], health["peers"]) == ("ok", 2, 2)


async def test_health_fails_when_speakers_cannot_be_stored(tmp_path: Path) -> None:
    store_dir = tmp_path / "store"
    async with serving(store_dir) as client:
        store_dir.rmdir()
        answer = await client.get("/healthz")
        assert answer.status == 503
        assert (await answer.json())["status"] == "store_not_writable"


async def test_metrics_count_what_happens(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        socket, _ = await join(client, "speaker")
        await socket.send_str("nonsense")
        await socket.receive(timeout=5)
        await client.get(f"/speakers/{'0' * 64}")
        text = await (await client.get("/metrics")).text()
    for line in (
        "nerfcall_rooms 1.0",
        'nerfcall_peers{role="speaker"} 1.0',
        'nerfcall_peers{role="viewer"} 0.0',
        "nerfcall_signaling_connections 1.0",
        'nerfcall_signaling_messages_total{type="join"} 1.0',
        'nerfcall_signaling_refusals_total{code="malformed_message"} 1.0',
        'nerfcall_speaker_refusals_total{code="unknown_speaker"} 1.0',
    ):
        assert line in text.splitlines()


async def test_two_servers_in_one_process_share_no_counts(tmp_path: Path) -> None:
    async with serving(tmp_path / "a") as one, serving(tmp_path / "b") as other:
        await join(one, "viewer")
        assert "nerfcall_rooms 0.0" in await (await other.get("/metrics")).text()


async def test_a_failure_inside_is_no_traceback_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: object) -> bool:
        raise RuntimeError("a secret of the machine")

    async with serving(tmp_path) as client:
        monkeypatch.setattr("server.store.SpeakerStore.writable", property(fail))
        answer = await client.get("/healthz")
        assert answer.status == 500
        assert await answer.json() == {
            "error": "internal_error",
            "message": "the server failed; its log says why",
        }
    assert "a secret of the machine" in caplog.text
