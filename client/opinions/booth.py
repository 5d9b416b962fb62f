"""What the page asks for: a name, a sitting, videos, and a place to put votes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from models.errors import VoteError
from models.evaluation.opinions.ballot_box import BallotBox
from models.evaluation.opinions.sitting import Trial, sitting
from models.evaluation.opinions.study import Study
from models.evaluation.opinions.study_folder import video_path
from models.evaluation.opinions.vote import Vote, parse_ballot

_PARTICIPANT = re.compile(r"[A-Za-z0-9_-]{3,64}")
_SIDES = {"a.mp4": 0, "b.mp4": 1}


class Booth:
    """The request handlers of one study.

    A participant is whoever knows the name of one; names are drawn by `new_participant`, or
    given out by whoever runs the test. Nothing that leaves here tells which system made a video.

    Args:
        study: what is shown.
        folder: of the study.
        box: for the votes.
        new_participant: draws a name.
    """

    def __init__(
        self, study: Study, folder: Path, box: BallotBox, new_participant: Callable[[], str]
    ) -> None:
        self._study = study
        self._folder = folder
        self._box = box
        self._new_participant = new_participant
        self._casting = asyncio.Lock()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Adds the routes."""
        router.add_post("/participants", self.register)
        router.add_get("/participants/{participant}", self.sitting)
        trial = r"/participants/{participant}/trials/{number:\d{1,6}}"
        router.add_get(trial + "/{side:[ab]\\.mp4}", self.video)
        router.add_put(trial + "/vote", self.vote)

    async def register(self, request: web.Request) -> web.Response:
        """Answers `POST /participants`: a new name."""
        return web.json_response({"participant": self._new_participant()}, status=201)

    async def sitting(self, request: web.Request) -> web.Response:
        """Answers `GET /participants/{participant}`: the pairs in order, with what was answered."""
        participant = _participant(request)
        votes = self._box.of(participant)
        trials = [
            {
                "a": f"/participants/{participant}/trials/{number}/a.mp4",
                "b": f"/participants/{participant}/trials/{number}/b.mp4",
                "vote": _ballot(trial, votes.get(trial.pair.id)),
            }
            for number, trial in enumerate(sitting(self._study, participant))
        ]
        document = {
            "study": self._study.id,
            "participant": participant,
            "side_px": self._study.side_px,
            "duration_s": self._study.duration_s,
            "trials": trials,
        }
        return web.json_response(document)

    async def video(self, request: web.Request) -> web.StreamResponse:
        """Answers `GET …/trials/{number}/a.mp4` and `b.mp4`, ranges included."""
        trial = self._trial(request, _participant(request))
        stimulus = self._study.stimulus(trial.shown[_SIDES[request.match_info["side"]]])
        return web.FileResponse(video_path(self._folder, stimulus))

    async def vote(self, request: web.Request) -> web.Response:
        """Answers `PUT …/trials/{number}/vote`: the vote is on the disk, in place of any before.

        Raises:
            VoteError: it is none.
            StudyError: it cannot be written.
        """
        participant = _participant(request)
        trial = self._trial(request, participant)
        try:
            document = await request.json()
        except ValueError as error:
            raise VoteError(f"expected a vote in JSON, got {error}") from error
        vote = parse_ballot(document, participant, trial, time.time_ns() // 1_000_000)
        async with self._casting:
            await asyncio.to_thread(self._box.cast, vote)
        return web.json_response(_ballot(trial, vote))

    def _trial(self, request: web.Request, participant: str) -> Trial:
        trials = sitting(self._study, participant)
        number = int(request.match_info["number"])
        if number >= len(trials):
            raise web.HTTPNotFound(text=f"expected a pair below {len(trials)}, got {number}")
        return trials[number]


def _participant(request: web.Request) -> str:
    name = request.match_info["participant"]
    if not _PARTICIPANT.fullmatch(name):
        raise web.HTTPBadRequest(
            text=f"expected a name of 3 to 64 letters, digits, - or _, got {name[:80]!a}"
        )
    return name


def _ballot(trial: Trial, vote: Vote | None) -> dict[str, object] | None:
    """Returns a vote as the page sent it, or none if the study's order has changed since."""
    if vote is None or vote.shown != trial.shown:
        return None
    return {
        "preference": vote.preference,
        "score_a": vote.scores[0],
        "score_b": vote.scores[1],
        "pixel_scale": vote.pixel_scale,
    }
