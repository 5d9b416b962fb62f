"""The enrolment page's requests: what may follow what, and what is left on the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer

from client.enrol.app import create_enrol_app
from client.enrol.learning import LearningJob, Review
from client.enrol.studio import Studio, StudioConfig
from models.enrolment.enroll import EnrolProgress
from models.errors import StoppedError, UnsuitableClipError

Report = Callable[[EnrolProgress], None]
LEARNED = b"a speaker"


@pytest.fixture(scope="module")
def webm(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second of video as a browser records it."""
    path = tmp_path_factory.mktemp("recorded") / "recorded.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(25):
            picture = np.full((64, 64, 3), 5 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    return path.read_bytes()


def learn_at_once(job: LearningJob, report: Report, stopped: Callable[[], bool]) -> Review:
    with av.open(str(job.clip)) as container:
        assert len(list(container.decode(video=0))) == 25
    report(EnrolProgress("learning", 0.5, 10.0, 10.0, 28.0, 27.04))
    job.preview.write_bytes(b"png")
    job.video.write_bytes(b"webm")
    job.speaker.write_bytes(LEARNED)
    return Review(psnr_db=26.54)


def refuse(job: LearningJob, report: Report, stopped: Callable[[], bool]) -> Review:
    raise UnsuitableClipError(f"{job.clip}: expected a lit face, got a brightness of 3 of 255")


def learn_until_stopped(job: LearningJob, report: Report, stopped: Callable[[], bool]) -> Review:
    while not stopped():
        pass
    raise StoppedError("expected time to learn a portrait, got stopped")


@asynccontextmanager
async def serving(output: Path, learner: Any) -> AsyncIterator[TestClient[Any, Any]]:
    studio = Studio(StudioConfig(output), learner)
    async with TestClient(TestServer(create_enrol_app(studio))) as client:
        yield client


async def state(client: TestClient[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = await (await client.get("/state")).json()
    return found


async def record(client: TestClient[Any, Any], webm: bytes) -> None:
    """Records in three pieces, and has it learned."""
    assert (await client.post("/recording")).status == 200
    for number in range(3):
        piece = webm[number * len(webm) // 3 : (number + 1) * len(webm) // 3]
        assert (await client.put(f"/recording/{number}", data=piece)).status == 200
    assert (await (await client.post("/learn")).json())["phase"] == "learning"


async def phase(client: TestClient[Any, Any], wanted: str) -> dict[str, Any]:
    """Asks, as the page does, until a phase is reached."""
    for _ in range(1000):
        found = await state(client)
        if found["phase"] == wanted:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"expected {wanted}, got {found}")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_result_is_written_when_it_is_accepted_and_nothing_else_is_left(
    tmp_path: Path, webm: bytes
) -> None:
    output = tmp_path / "made" / "me.speaker"
    async with serving(output, learn_at_once) as client:
        await record(client, webm)
        found = await phase(client, "review")
        assert (found["review_db"], found["held_out_db"]) == (26.5, 27.04)
        assert await (await client.get("/preview.png")).read() == b"png"
        assert await (await client.get("/review.webm")).read() == b"webm"
        assert not output.exists()
        assert (await client.post("/accept", json={"keep": False})).status == 200
        assert output.read_bytes() == LEARNED
    assert names(output.parent) == ["me.speaker"]


async def test_the_recording_is_kept_when_that_is_asked_for(tmp_path: Path, webm: bytes) -> None:
    output = tmp_path / "me.speaker"
    async with serving(output, learn_at_once) as client:
        await record(client, webm)
        await phase(client, "review")
        await client.post("/accept", json={"keep": True})
    assert names(tmp_path) == ["me.speaker", "me.speaker.mkv"]


async def test_a_result_that_is_not_liked_is_forgotten(tmp_path: Path, webm: bytes) -> None:
    output = tmp_path / "me.speaker"
    output.write_bytes(b"of before")
    async with serving(output, learn_at_once) as client:
        await record(client, webm)
        await phase(client, "review")
        assert (await (await client.post("/restart")).json())["phase"] == "ready"
        assert (await client.get("/review.webm")).status == 404
        await record(client, webm)
        await phase(client, "review")
    assert output.read_bytes() == b"of before"
    assert names(tmp_path) == ["me.speaker"]


async def test_what_cannot_be_learned_from_is_said_in_plain_words(
    tmp_path: Path, webm: bytes
) -> None:
    async with serving(tmp_path / "me.speaker", refuse) as client:
        await record(client, webm)
        found = await phase(client, "ready")
        assert found["failure"] == "The face is too dark. Put a light in front of it."
        await client.post("/recording")
        assert (await state(client))["failure"] is None


async def test_a_recording_that_is_no_video_is_no_fault_of_the_program(tmp_path: Path) -> None:
    async with serving(tmp_path / "me.speaker", learn_at_once) as client:
        await record(client, b"no video at all, in three pieces")
        assert "expected a video" in (await phase(client, "ready"))["failure"]


async def test_learning_can_be_cancelled(tmp_path: Path, webm: bytes) -> None:
    async with serving(tmp_path / "me.speaker", learn_until_stopped) as client:
        await record(client, webm)
        found = await (await client.post("/restart")).json()
        assert (found["phase"], found["failure"]) == ("ready", None)
    assert names(tmp_path) == []


async def test_ending_the_program_ends_learning(tmp_path: Path, webm: bytes) -> None:
    async with serving(tmp_path / "me.speaker", learn_until_stopped) as client:
        await record(client, webm)
    assert names(tmp_path) == []


async def test_what_makes_no_sense_now_is_refused(tmp_path: Path, webm: bytes) -> None:
    async with serving(tmp_path / "me.speaker", learn_at_once) as client:
        for request in (client.put("/recording/0", data=b"x"), client.post("/learn")):
            answer = await request
            assert answer.status == 409
            assert "while ready" in (await answer.json())["message"]
        await client.post("/recording")
        assert (await client.put("/recording/1", data=b"x")).status == 409
        assert (await client.post("/learn")).status == 409  # nothing recorded
        assert (await client.post("/accept", json={})).status == 409
        assert (await client.post("/look", data=b"no picture")).status == 409


async def test_the_page_and_its_headers(tmp_path: Path) -> None:
    async with serving(tmp_path / "me.speaker", learn_at_once) as client:
        answer = await client.get("/")
        assert "Show your face" in await answer.text()
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Permissions-Policy"].startswith("camera=(self)")
        assert (await client.get("/js/main.js")).status == 200
        assert (await client.get("/../app.py")).status == 404
