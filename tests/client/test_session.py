"""A whole call in one process: server, speaker, renderer, page; only face and field are stubs."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from aioice.ice import StunProtocol

from client import peers, seat
from client.config import ReceiverConfig, SenderConfig
from client.errors import SignalingError, SpeakerTransferError
from client.identity.certificate import certify
from client.identity.key import fingerprint, load_identity
from client.parts import FaceModelParts
from client.session import receive, receive_with, send_from
from client.signaling import Membership
from client.speaker_cache import SpeakerCache
from models.errors import ModelError
from models.portrait.speaker_layers import BaseLayer
from server.app import create_app
from server.config import ServerSettings
from server.messages import Role
from server.tokens import Grant, TokenSigner
from tests.client.doubles import (
    SIGNAL,
    LevelAnalyzer,
    Page,
    TickingSource,
    gray_of,
    level_at,
    load_gray,
    until,
)

CONTENT = b"a speaker file, as far as the server knows"


@asynccontextmanager
async def running(part: Coroutine[None, None, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(part)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def start_server(path: Path, port: int | None = None) -> TestServer:
    server = TestServer(create_app(ServerSettings(store_dir=path / "store")), port=port)
    await server.start_server()
    return server


def url_of(server: TestServer) -> str:
    return str(server.make_url("/")).rstrip("/")


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    server = await start_server(tmp_path)
    yield url_of(server)
    await server.close()


@pytest.fixture
def speaker_path(tmp_path: Path) -> Path:
    path = tmp_path / "someone.safetensors"
    path.write_bytes(CONTENT)
    return path


def sender(
    url: str, speaker_path: Path, participant: str | None = None, base: BaseLayer | None = None
) -> Coroutine[None, None, None]:
    config = SenderConfig(url, "room", speaker_path, participant=participant)
    return send_from(config, TickingSource(), FaceModelParts(SIGNAL, LevelAnalyzer, base))


def receiver(
    url: str, tmp_path: Path, participant: str | None = None
) -> Coroutine[None, None, None]:
    config = ReceiverConfig(
        url, "room", participant, size=64, cache=tmp_path / f"cache of {participant}"
    )
    return receive_with(config, load_gray)


def somebody(name: str, tmp_path: Path) -> Path:
    """The file of another identity than that of this machine."""
    load_identity(tmp_path / f"{name}.key")
    return tmp_path / f"{name}.key"


def is_live(page: Page) -> bool:
    return bool(page.stats) and page.stats[-1]["state"] == "live"


def advances(page: Page) -> bool:
    """Whether the picture has changed during the last second."""
    since_unix_ms = time.time() * 1000 - 1_000
    return len({gray for _, gray, shown in page.grays if shown > since_unix_ms}) > 3


async def test_a_page_sees_the_right_pictures_soon_and_can_compute_their_latency(
    url: str, speaker_path: Path, tmp_path: Path
) -> None:
    async with running(sender(url, speaker_path)), running(receiver(url, tmp_path)):
        await asyncio.sleep(1.5)  # a running call
        async with Page(url, "room") as page:
            await until(lambda: len(page.grays) > 60 and is_live(page))
            page.send('{"type":"ping","t":12.5}')
            await until(lambda: page.pongs)
            await asyncio.sleep(0.4)

    assert page.first_picture_ms is not None
    assert page.first_picture_ms - page.opened_ms < 3_000

    known = [(stamp, gray, shown) for stamp, gray, shown in page.grays if stamp in page.frames]
    assert len(known) >= 0.8 * len(page.grays), "`frames` names the timestamps on the wire"
    latencies_ms = []
    right = 0
    for stamp, gray, shown_unix_ms in known:
        pts_ms, capture_unix_ms = page.frames[stamp]
        right += abs(gray - gray_of(level_at(pts_ms))) <= 6
        assert capture_unix_ms is not None
        latencies_ms.append(shown_unix_ms - capture_unix_ms)
    # A machine that stalls may make the buffer extrapolate a frame or two.
    assert right >= 0.95 * len(known), "timestamps name the right picture"
    # Frames wait for up to 120 ms for those that share their packet.
    assert 120 < statistics.median(latencies_ms) < 400

    assert page.pongs[0]["t"] == 12.5
    assert abs(page.pongs[0]["now_unix_ms"] - time.time() * 1000) < 5_000
    stats = page.stats[-1]
    assert stats["frames_lost"] == 0 and stats["packets_dropped"] == {}
    assert stats["render_fps"] > 20
    assert 0.2 < stats["payload_kbps"] < 3
    # Six packets a second with 56 bytes of headers each (DESIGN 5.3), a heartbeat a second back.
    assert 2.5 < stats["wire_down_kbps"] < 7 and 0.3 < stats["wire_up_kbps"] < 3
    for way in ("down", "up"):
        by_cause = stats[f"wire_{way}_by_cause_kbps"]
        assert sum(by_cause.values()) == pytest.approx(stats[f"wire_{way}_kbps"], abs=0.01)
    portrait_kbps = stats["wire_down_by_cause_kbps"]["portrait"]
    assert portrait_kbps == pytest.approx(stats["payload_kbps"], rel=0.2)


async def test_the_picture_holds_when_the_sender_dies_and_comes_back_with_it(
    url: str, speaker_path: Path, tmp_path: Path
) -> None:
    async with running(receiver(url, tmp_path)), Page(url, "room") as page:
        await until(lambda: page.stats and page.stats[-1]["state"] == "waiting")
        async with running(sender(url, speaker_path)):
            await until(lambda: is_live(page) and advances(page))
        await until(lambda: page.stats[-1]["state"] == "speaker_left")
        frames = len(page.grays)
        await asyncio.sleep(1.5)
        assert len(page.grays) > frames + 3, "the last picture goes on being shown"
        assert not advances(page)
        async with running(sender(url, speaker_path)):
            await until(lambda: is_live(page) and advances(page))


async def test_a_call_outlives_its_server(
    speaker_path: Path, tmp_path: Path, unused_tcp_port: int
) -> None:
    server = await start_server(tmp_path, unused_tcp_port)
    url = url_of(server)
    async with (
        running(sender(url, speaker_path)),
        running(receiver(url, tmp_path)),
        Page(url, "room") as page,
    ):
        await until(lambda: is_live(page) and advances(page))
        await server.close()
        await asyncio.sleep(1.0)
        assert is_live(page) and advances(page), "media needs no server"
        server = await start_server(tmp_path, unused_tcp_port)
        async with Page(url, "room") as newcomer:
            await until(lambda: is_live(newcomer) and advances(newcomer))
            assert advances(page)
    await server.close()


async def test_a_path_that_dies_is_replaced_although_nobody_left(
    url: str, speaker_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "SILENCE_LIMIT_MS", 1_200.0)
    dead: set[StunProtocol] = set()
    sockets: set[StunProtocol] = set()
    send_data = StunProtocol.send_data

    async def send_data_or_not(self: StunProtocol, data: bytes, addr: tuple[str, int]) -> None:
        sockets.add(self)
        if self not in dead:
            await send_data(self, data, addr)

    monkeypatch.setattr(StunProtocol, "send_data", send_data_or_not)
    async with running(sender(url, speaker_path)), running(receiver(url, tmp_path)):
        await asyncio.sleep(1.0)
        between_speaker_and_renderer = set(sockets)
        async with Page(url, "room") as page:
            await until(lambda: is_live(page) and advances(page))
            dead |= between_speaker_and_renderer
            await until(lambda: page.stats[-1]["state"] == "held")
            await until(lambda: is_live(page) and advances(page))


async def test_several_viewers_share_one_render_at_the_largest_size_asked_for(
    url: str, speaker_path: Path, tmp_path: Path
) -> None:
    async with running(sender(url, speaker_path)), running(receiver(url, tmp_path)):
        async with Page(url, "room") as first, Page(url, "room") as second:
            await until(lambda: is_live(first) and is_live(second) and bool(first.sizes))
            assert first.sizes[-1] == 64
            first.send('{"type":"size","size":128}')
            first.send("nonsense")
            second.send('{"type":"size","size":1e6}')
            await until(lambda: first.sizes[-1] == second.sizes[-1] == 1024)
            second.send('{"type":"size","size":96}')
            await until(lambda: first.sizes[-1] == second.sizes[-1] == 128)
            await until(lambda: "ControlMessageError" in first.stats[-1]["packets_dropped"])
        async with Page(url, "room") as third:
            await until(lambda: is_live(third) and advances(third))
            assert third.sizes[-1] == 64, "wishes leave with those who had them"


async def test_two_participants_see_each_other_and_nobody_themselves(
    url: str, tmp_path: Path
) -> None:
    paths = {name: tmp_path / f"{name}.safetensors" for name in ("ann", "bob")}
    for name, path in paths.items():
        path.write_bytes(name.encode())
    async with (
        running(sender(url, paths["ann"], "ann")),
        running(sender(url, paths["bob"], "bob")),
        running(receiver(url, tmp_path, "ann")),
        running(receiver(url, tmp_path, "bob")),
        Page(url, "room", participant="ann") as ann,
        Page(url, "room", participant="bob") as bob,
    ):
        await until(lambda: is_live(ann) and is_live(bob))
        await until(lambda: advances(ann) and advances(bob))
        shown = {page.stats[-1]["speaker"] for page in (ann, bob)}
        (of_ann,) = (tmp_path / "cache of bob").iterdir()
        (of_bob,) = (tmp_path / "cache of ann").iterdir()
        assert SpeakerCache(of_ann.parent).whole(of_ann.stem) == b"ann"
        assert SpeakerCache(of_bob.parent).whole(of_bob.stem) == b"bob"
        assert shown == {of_ann.stem, of_bob.stem}
        assert bob.stats[-1]["speaker"] == of_ann.stem


async def test_on_a_thin_link_the_base_layer_is_shown_until_the_rest_is_here(
    speaker_path: Path, tmp_path: Path
) -> None:
    base = BaseLayer(35, hashlib.sha256(CONTENT[:35]).hexdigest())
    rest = asyncio.Event()

    @web.middleware
    async def thin(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method != "GET" or not request.path.startswith("/speakers/"):
            return await handler(request)
        response = web.StreamResponse(headers={"Content-Length": str(len(CONTENT))})
        await response.prepare(request)
        await response.write(CONTENT[:38])
        await rest.wait()
        await response.write(CONTENT[38:])
        return response

    app = create_app(ServerSettings(store_dir=tmp_path / "store"))
    app.middlewares.append(thin)
    async with TestServer(app) as server:
        url = url_of(server)
        async with (
            running(sender(url, speaker_path, base=base)),
            running(receiver(url, tmp_path)),
            Page(url, "room") as page,
        ):
            await until(lambda: is_live(page) and advances(page))
            assert page.stats[-1]["layer"] == "base"
            cache, speaker = SpeakerCache(tmp_path / "cache of None"), page.stats[-1]["speaker"]
            assert cache.base(speaker) == CONTENT[:35], "for a receiver that starts again"
            rest.set()
            await until(lambda: page.stats[-1]["layer"] == "full")
            await asyncio.sleep(1.0)
            assert is_live(page) and advances(page)
            shown = [unix_ms for _, _, unix_ms in page.grays][-50:]
            assert max(after - before for before, after in itertools.pairwise(shown)) < 500
            assert cache.whole(speaker) == CONTENT and cache.base(speaker) == b""


async def test_a_base_layer_that_the_speaker_does_not_vouch_for_is_not_shown(
    url: str, speaker_path: Path, tmp_path: Path
) -> None:
    async with (
        running(sender(url, speaker_path, base=BaseLayer(33, "0" * 64))),
        running(receiver(url, tmp_path)),
        Page(url, "room") as page,
    ):
        await until(lambda: is_live(page))
        assert page.stats[-1]["layer"] == "full"


async def test_a_stranger_who_has_the_file_does_not_appear_as_its_owner(
    url: str, tmp_path: Path
) -> None:
    path = tmp_path / "face.speaker"
    path.write_bytes(b"a face that this machine has not seen before")
    stranger = SenderConfig(url, "room", path, identity=somebody("stranger", tmp_path))
    parts = FaceModelParts(SIGNAL, LevelAnalyzer)
    async with running(receiver(url, tmp_path)), Page(url, "room") as page:
        async with running(sender(url, path)):
            await until(lambda: is_live(page) and advances(page))
            owner = fingerprint(load_identity().public)
            assert page.stats[-1]["owner"] == owner
            assert re.fullmatch(r"\d{3} \d{3}", page.stats[-1]["sas"])
        await until(lambda: page.stats[-1]["state"] == "speaker_left")
        assert page.stats[-1]["sas"] is None
        async with running(send_from(stranger, TickingSource(), parts)):
            await until(lambda: page.stats[-1]["state"] == "owner_changed")
            await asyncio.sleep(1.0)
            assert not advances(page), "nothing of the stranger is drawn"
        async with running(sender(url, path)):
            await until(lambda: is_live(page) and advances(page))


async def test_a_copied_certificate_does_not_help_a_stranger(
    url: str, speaker_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = load_identity()
    monkeypatch.setattr(seat, "certify", lambda identity, *rest: certify(owner, *rest))
    stranger = SenderConfig(url, "room", speaker_path, identity=somebody("stranger", tmp_path))
    parts = FaceModelParts(SIGNAL, LevelAnalyzer)
    async with (
        running(receiver(url, tmp_path)),
        Page(url, "room") as page,
        running(send_from(stranger, TickingSource(), parts)),
    ):
        await until(lambda: page.stats and page.stats[-1]["state"] == "not_proven")
        await asyncio.sleep(1.0)
        assert page.stats[-1]["frames_received"] == 0 and page.stats[-1]["sas"] is None


async def test_a_speaker_without_a_certificate_is_not_drawn(
    url: str, speaker_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Membership, "join_message", join_message_of_before)
    async with (
        running(receiver(url, tmp_path)),
        Page(url, "room") as page,
        running(sender(url, speaker_path)),
    ):
        await until(lambda: page.stats and page.stats[-1]["state"] == "not_proven")


def join_message_of_before(
    self: Membership, token: str | None = None, resume: str | None = None
) -> dict[str, object]:
    message: dict[str, object] = {"type": "join", "room": self.room, "role": self.role.value}
    return message | ({} if self.speaker is None else {"speaker": self.speaker})


async def test_what_is_not_shared_stays_here_and_is_drawn_by_who_has_it(
    url: str, speaker_path: Path, tmp_path: Path
) -> None:
    config = SenderConfig(url, "room", speaker_path, share=False)
    parts = FaceModelParts(SIGNAL, LevelAnalyzer)
    cache = tmp_path / "cache of None"
    cache.mkdir()
    address = hashlib.sha256(CONTENT).hexdigest()
    async with running(send_from(config, TickingSource(), parts)):
        async with running(receiver(url, tmp_path)), Page(url, "room") as page:
            await until(lambda: page.stats and page.stats[-1]["state"] == "not_shared")
            assert list((tmp_path / "store").iterdir()) == []
        (cache / f"{address}.speaker").write_bytes(CONTENT)
        async with running(receiver(url, tmp_path)), Page(url, "room") as page:
            await until(lambda: is_live(page) and advances(page))
        assert (cache / f"{address}.speaker").read_bytes() != CONTENT, "from then on it is sealed"


async def test_a_call_on_a_server_with_tokens(speaker_path: Path, tmp_path: Path) -> None:
    secret = b"a secret of thirty-two bytes, or more"
    app = create_app(ServerSettings(store_dir=tmp_path / "store", secret=secret))
    grant = Grant("room", frozenset(Role), int(time.time()) + 60)
    token = TokenSigner(secret).sign(grant)
    parts = FaceModelParts(SIGNAL, LevelAnalyzer)
    async with TestServer(app) as server:
        url = url_of(server)
        sending = SenderConfig(url, "room", speaker_path, token=token)
        receiving = ReceiverConfig(url, "room", size=64, cache=tmp_path / "cache", token=token)
        async with (
            running(send_from(sending, TickingSource(), parts)),
            running(receive_with(receiving, load_gray)),
            Page(url, "room", token=token) as page,
        ):
            await until(lambda: is_live(page) and advances(page))
        with pytest.raises(SignalingError, match="expected a room token, got none"):
            await receiver(url, tmp_path)
        with pytest.raises(SpeakerTransferError, match="token_required"):
            await sender(url, speaker_path)


async def test_a_clip_that_ends_ends_the_sender(url: str, speaker_path: Path) -> None:
    config = SenderConfig(url, "room", speaker_path)
    parts = FaceModelParts(SIGNAL, LevelAnalyzer)
    async with asyncio.timeout(5):
        await send_from(config, TickingSource(frames=5), parts)


async def test_a_sender_waits_for_its_server(
    speaker_path: Path, tmp_path: Path, unused_tcp_port: int
) -> None:
    async with running(sender(f"http://127.0.0.1:{unused_tcp_port}", speaker_path)) as sending:
        await asyncio.sleep(0.4)
        assert not sending.done()
        server = await start_server(tmp_path, unused_tcp_port)
        async with (
            running(receiver(url_of(server), tmp_path)),
            Page(url_of(server), "room") as page,
        ):
            await until(lambda: is_live(page))
    await server.close()


async def test_a_sender_without_its_speaker_file_says_so(url: str, tmp_path: Path) -> None:
    with pytest.raises(SpeakerTransferError, match="nobody"):
        await sender(url, tmp_path / "nobody.safetensors")


PROGRAM = """
import json, sys
from concurrent.futures import Future
from pathlib import Path
from client import session
from client.config import ReceiverConfig
from tests.client.doubles import load_gray
nothing = Future()
nothing.set_result(None)
session.start_drawing = lambda name: nothing
session.load_portrait = lambda content, device, base_of: load_gray(content, base_of)
url, cache, seconds = json.loads(sys.argv[1])
session.run_receiver(ReceiverConfig(url, "room", cache=Path(cache), seconds=seconds))
"""


def start_program(url: str, cache: Path, seconds: float | None) -> subprocess.Popen[str]:
    arguments = json.dumps([url, str(cache), seconds])
    return subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", PROGRAM, arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_process_cleanly(
    url: str, speaker_path: Path, tmp_path: Path, name: signal.Signals
) -> None:
    process = start_program(url, tmp_path / "cache", None)
    async with running(sender(url, speaker_path)), Page(url, "room") as page:
        await until(lambda: is_live(page), timeout_s=15)
        process.send_signal(name)
        out, err = await asyncio.to_thread(process.communicate, timeout=10)
    # In development mode Python complains of everything that is left behind.
    assert (process.returncode, out, err) == (0, "", "")


async def test_a_time_limit_ends_a_process_cleanly(url: str, tmp_path: Path) -> None:
    process = start_program(url, tmp_path / "cache", 0.5)
    out, err = await asyncio.to_thread(process.communicate, timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


async def test_a_device_that_is_not_there_is_named_before_anything_else(tmp_path: Path) -> None:
    config = ReceiverConfig("http://127.0.0.1:9", "room", device="abacus", cache=tmp_path)
    with pytest.raises(ModelError, match="abacus"):
        await receive(config)


def test_a_sender_needs_no_torch() -> None:
    program = (
        "import sys, client.session, client.parts, models.face.analyzer, models.portrait.speaker\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
