"""One person's enrolment from the first recording to the accepted file: what may follow what."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from client.camera_prompts import PROMPTS
from client.enrol.guidance import plain_reason
from client.enrol.learning import Learner, LearningJob, Review, learn_speaker
from client.enrol.recording import Recording
from client.errors import EnrolPageError, OutputError
from codec.errors import NerfcallError

if TYPE_CHECKING:
    from models.enrolment.enroll import EnrolProgress

logger = logging.getLogger(__name__)


class Phase(StrEnum):
    """Where an enrolment stands."""

    READY = "ready"
    RECORDING = "recording"
    LEARNING = "learning"
    REVIEW = "review"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class StudioConfig:
    """What is to be made, and how.

    Attributes:
        output: the speaker file.
        seconds: how long to record.
        minutes: that learning may take.
        size: side of the pictures to learn from, pixels.
        device: `auto`, `cpu` or `cuda`.
    """

    output: Path
    seconds: float = 45.0
    minutes: float = 5.0
    size: int = 256
    device: str = "auto"


class Studio:
    """Records, learns, shows and keeps; lives on the event loop. Close it, whatever happens.

    Nothing is written outside its own folder, beside the output, before the result is accepted.

    Attributes:
        config: what is to be made.
        phase: where it stands.
        accepted: set when the speaker file is written.
    """

    def __init__(self, config: StudioConfig, learner: Learner = learn_speaker) -> None:
        """Makes the folder.

        Args:
            config: what is to be made.
            learner: makes it of a recording.

        Raises:
            OutputError: there is no place for it.
        """
        self.config = config
        self.phase = Phase.READY
        self.accepted = asyncio.Event()
        self._learner = learner
        folder = config.output.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            made = tempfile.mkdtemp(prefix=f".{config.output.name}-", dir=folder)
        except OSError as error:
            raise OutputError(f"{folder}: expected a folder to write in, got {error}") from error
        self._folder = Path(made)
        self._recording: Recording | None = None
        self._failure: str | None = None
        self._progress: EnrolProgress | None = None
        self._review: Review | None = None
        self._stop = threading.Event()
        self._learning: asyncio.Task[None] | None = None
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="enrol")

    @property
    def preview(self) -> Path:
        """Where the picture of what is learned so far appears: recorded beside rendered."""
        return self._folder / "preview.png"

    @property
    def video(self) -> Path:
        """Where the result appears: recorded beside rendered, moving."""
        return self._folder / "review.webm"

    def state(self) -> dict[str, object]:
        """Everything that the page shows."""
        progress, recording, review = self._progress, self._recording, self._review
        return {
            "phase": self.phase.value,
            "failure": self._failure,
            "seconds": self.config.seconds,
            "minutes": self.config.minutes,
            "prompts": PROMPTS,
            "output": self.config.output.name,
            "pieces": 0 if recording is None else recording.pieces,
            "bytes": 0 if recording is None else recording.size_bytes,
            "stage": None if progress is None else progress.stage,
            "share": None if progress is None else round(progress.share, 4),
            "remaining_s": None if progress is None else round(progress.remaining_s, 1),
            "held_out_db": None if progress is None else progress.held_out_db,
            "preview": _version(self.preview),
            "review_db": None if review is None else round(review.psnr_db, 1),
        }

    def begin(self) -> None:
        """Begins a recording; one that was begun before, on a page that is gone, is void.

        Raises:
            EnrolPageError: it is not the time for it.
        """
        self._expect(Phase.READY, Phase.RECORDING)
        self._failure = None
        self._recording = Recording(self._folder)
        self.phase = Phase.RECORDING

    def add(self, number: int, piece: bytes) -> None:
        """Takes the next piece of the recording.

        Raises:
            EnrolPageError: nothing is being recorded, or it is another piece.
        """
        self._expect(Phase.RECORDING)
        assert self._recording is not None, "one is begun"
        self._recording.add(number, piece)

    def learn(self) -> None:
        """The recording is whole: learning begins.

        Raises:
            EnrolPageError: nothing is recorded.
        """
        self._expect(Phase.RECORDING)
        assert self._recording is not None, "one is begun"
        if not self._recording.pieces:
            raise EnrolPageError("expected a recording, got nothing")
        self.phase, self._progress = Phase.LEARNING, None
        self._stop.clear()
        self._learning = asyncio.create_task(self._learn(self._recording))

    async def start_over(self) -> None:
        """Forgets recording and result, whatever is going on; ready for another one.

        Raises:
            EnrolPageError: the result is accepted already.
        """
        self._expect(Phase.READY, Phase.RECORDING, Phase.LEARNING, Phase.REVIEW)
        await self._end_learning()
        self._forget()
        self._failure = None
        self.phase = Phase.READY

    async def accept(self, *, keep_recording: bool) -> None:
        """Writes the speaker file, in one piece, and forgets the recording unless it is wanted.

        Args:
            keep_recording: put the recording beside the speaker file.

        Raises:
            EnrolPageError: there is no result.
            OutputError: the file cannot be written.
        """
        self._expect(Phase.REVIEW)
        assert self._recording is not None, "there is a result of it"
        output = self.config.output
        try:
            if keep_recording:
                self._recording.clip.replace(output.with_name(f"{output.name}.mkv"))
            self._draft.replace(output)
        except OSError as error:
            raise OutputError(f"{output}: expected a file to write, got {error}") from error
        self._forget()
        self.phase = Phase.ACCEPTED
        self.accepted.set()

    async def close(self) -> None:
        """Stops what is going on and deletes all that was not accepted."""
        await self._end_learning()
        self._pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _draft(self) -> Path:
        return self._folder / "draft.speaker"

    async def _learn(self, recording: Recording) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._review = await loop.run_in_executor(self._pool, self._made_of, recording)
        except NerfcallError as error:
            logger.info("%s", error)
            self._failed(plain_reason(error, recording.clip))
        except Exception:
            logger.exception("enrolment failed")
            self._failed("Learning failed, for a reason that the terminal tells.")
        else:
            if self._review is not None:
                self.phase = Phase.REVIEW
            elif not self._stop.is_set():
                self._failed("The end of the recording shows no face. Stay in the picture.")

    def _made_of(self, recording: Recording) -> Review | None:
        """What comes of a recording; in a thread of its own. None if it was stopped."""
        config = self.config
        job = LearningJob(
            clip=recording.finish(),
            speaker=self._draft,
            preview=self.preview,
            video=self.video,
            minutes=config.minutes,
            size=config.size,
            device=config.device,
        )
        return self._learner(job, self._report, self._stop.is_set)

    def _report(self, progress: EnrolProgress) -> None:
        self._progress = progress

    def _failed(self, reason: str) -> None:
        if not self._stop.is_set():
            self._forget()
            self._failure, self.phase = reason, Phase.READY

    async def _end_learning(self) -> None:
        self._stop.set()
        if self._learning is not None:
            await self._learning
            self._learning = None

    def _forget(self) -> None:
        """Deletes everything that was recorded or made of it."""
        self._recording = self._progress = self._review = None
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def _expect(self, *phases: Phase) -> None:
        if self.phase not in phases:
            wanted = " or ".join(phase.value for phase in phases)
            raise EnrolPageError(f"expected to be {wanted}, got a request while {self.phase.value}")


def _version(path: Path) -> int | None:
    """Changes whenever a file does; None while there is none."""
    try:
        return path.stat().st_mtime_ns // 1_000_000
    except FileNotFoundError:
        return None
