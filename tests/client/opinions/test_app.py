"""The server of a study over HTTP."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from client.opinions.app import create_app
from models.evaluation.opinions.ballot_box import BallotBox, read_votes
from models.evaluation.opinions.study_folder import video_path, votes_path
from tests.models.evaluation.opinions.studies import store, study_of

STUDY = study_of(("ann",))
BALLOT = {"preference": "a", "score_a": 4, "score_b": 2, "pixel_scale": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(STUDY, tmp_path_factory.mktemp("served") / "study", frames=2)


@pytest.fixture(autouse=True)
def no_votes(folder: Path) -> None:
    votes_path(folder).unlink(missing_ok=True)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[TestClient[Any, Any]]:
    with BallotBox(votes_path(folder), STUDY) as box:
        app = create_app(STUDY, folder, box, naming=lambda: "newcomer")
        async with TestClient(TestServer(app)) as client:
            yield client


async def test_a_newcomer_gets_a_name_and_a_sitting(folder: Path) -> None:
    async with serving(folder) as client:
        answer = await client.post("/participants")
        assert (answer.status, await answer.json()) == (201, {"participant": "newcomer"})
        sitting = await (await client.get("/participants/newcomer")).json()
    assert (sitting["side_px"], sitting["duration_s"], len(sitting["trials"])) == (64, 0.4, 3)
    assert sitting["trials"][1] == {
        "a": "/participants/newcomer/trials/1/a.mp4",
        "b": "/participants/newcomer/trials/1/b.mp4",
        "vote": None,
    }


async def test_nothing_that_is_sent_tells_a_system(folder: Path) -> None:
    async with serving(folder) as client:
        answer = await client.get("/participants/ann")
        said = [await answer.text(), *answer.headers.values()]
        kinds = set()
        for number in range(3):
            for side in "ab":
                video = await client.get(f"/participants/ann/trials/{number}/{side}.mp4")
                said += video.headers.values()
                kinds.add(video.content_type)
    for stimulus in STUDY.stimuli:
        assert not any(stimulus.id in text or stimulus.condition.name in text for text in said)
    assert kinds == {"video/mp4"}


async def test_the_videos_are_those_of_the_pair(folder: Path) -> None:
    contents = {video_path(folder, stimulus).read_bytes() for stimulus in STUDY.stimuli}
    ours = video_path(folder, STUDY.stimuli[1]).read_bytes()
    async with serving(folder) as client:
        for number in range(3):
            path = f"/participants/ann/trials/{number}"
            pair = [await (await client.get(f"{path}/{side}.mp4")).read() for side in "ab"]
            assert ours in pair and set(pair) <= contents and pair[0] != pair[1]
        part = await client.get(f"{path}/a.mp4", headers={"Range": "bytes=4-7"})
        assert (part.status, await part.read()) == (206, b"ftyp")


async def test_a_vote_is_stored_and_comes_back(folder: Path) -> None:
    async with serving(folder) as client:
        answer = await client.put("/participants/ann/trials/1/vote", json=BALLOT)
        assert (answer.status, await answer.json()) == (200, {**BALLOT, "pixel_scale": 1.0})
        (stored,) = read_votes(votes_path(folder), STUDY)
        assert (stored.participant, stored.scores, stored.preference) == ("ann", (4, 2), "a")
        assert stored.unix_ms > 1_700_000_000_000
    async with serving(folder) as client:  # another day
        sitting = await (await client.get("/participants/ann")).json()
        assert [trial["vote"] is not None for trial in sitting["trials"]] == [False, True, False]
        other = await (await client.get("/participants/bob")).json()
        assert not any(trial["vote"] for trial in other["trials"])


async def test_a_second_vote_replaces_the_first(folder: Path) -> None:
    async with serving(folder) as client:
        await client.put("/participants/ann/trials/0/vote", json=BALLOT)
        await client.put("/participants/ann/trials/0/vote", json={**BALLOT, "score_a": 5})
        await client.put("/participants/bob/trials/0/vote", json=BALLOT)
    votes = read_votes(votes_path(folder), STUDY)
    assert [(vote.participant, vote.scores[0]) for vote in votes] == [("ann", 5), ("bob", 4)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"preference": "a", "score_a": 9, "score_b": 2, "pixel_scale": 1}', "from 1 to 5"),
        (b'{"score_a": 3, "score_b": 2, "pixel_scale": 1}', "preference as a, b or none"),
        (b"[]", "a JSON object"),
        (b"{", "a vote in JSON"),
        (b"\xff", "a vote in JSON"),
    ],
)
async def test_a_bad_vote_is_refused_and_not_stored(
    folder: Path, body: bytes, message: str
) -> None:
    async with serving(folder) as client:
        answer = await client.put("/participants/ann/trials/0/vote", data=body)
        refusal = await answer.json()
    assert (answer.status, refusal["error"]) == (400, "bad_vote")
    assert refusal["message"].startswith("expected") and message in refusal["message"]
    assert read_votes(votes_path(folder), STUDY) == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/participants/an", 400),
        ("GET", "/participants/a.n.n", 400),
        ("GET", "/participants/" + "a" * 65, 400),
        ("GET", "/participants/ann/trials/3/a.mp4", 404),
        ("GET", "/participants/ann/trials/0/c.mp4", 404),
        ("PUT", "/participants/ann/trials/3/vote", 404),
        ("GET", "/participants/ann/trials/-1/a.mp4", 404),
        ("GET", "/videos/0000beef.mp4", 404),
        ("GET", "/study.json", 404),
        ("GET", "/votes.jsonl", 404),
        ("DELETE", "/participants/ann", 405),
    ],
)
async def test_what_is_not_there(folder: Path, method: str, path: str, status: int) -> None:
    async with serving(folder) as client:
        answer = await client.request(method, path)
        assert answer.status == status
        assert set(await answer.json()) == {"error", "message"}


async def test_a_body_that_no_vote_has(folder: Path) -> None:
    async with serving(folder) as client:
        answer = await client.put("/participants/ann/trials/0/vote", data=b" " * 5000)
        assert answer.status == 413


async def test_a_full_disk_is_told_and_the_vote_does_not_count(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError("no space left on device")

    async with serving(folder) as client:
        monkeypatch.setattr(os, "fsync", full)
        answer = await client.put("/participants/ann/trials/0/vote", json=BALLOT)
        assert (answer.status, (await answer.json())["error"]) == (503, "not_stored")
        sitting = await (await client.get("/participants/ann")).json()
        assert not any(trial["vote"] for trial in sitting["trials"])


async def test_the_page_and_its_guards(folder: Path) -> None:
    async with serving(folder) as client:
        for path, kind in (
            ("/", "text/html"),
            ("/style.css", "text/css"),
            ("/js/main.js", "javascript"),
            ("/icon.svg", "image/svg+xml"),
        ):
            answer = await client.get(path)
            assert answer.status == 200 and answer.content_type.endswith(kind)
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            # Who takes part is not told whose codec is on trial.
            assert "nerf" not in (await answer.text()).lower()
