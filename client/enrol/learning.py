"""What becomes of a recording: a speaker, and something to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from models.enrolment.enroll import EnrolProgress


@dataclass(frozen=True, slots=True)
class LearningJob:
    """What is to be learned from, how, and where the results go.

    Attributes:
        clip: the recording.
        speaker: speaker file to write.
        preview: PNG file that shows what is learned so far: recorded beside rendered.
        video: WebM file that shows the result.
        minutes: that learning may take.
        size: side of the pictures to learn from, pixels.
        device: `auto`, `cpu` or `cuda`.
    """

    clip: Path
    speaker: Path
    preview: Path
    video: Path
    minutes: float
    size: int
    device: str


@dataclass(frozen=True, slots=True)
class Review:
    """The result, rendered beside frames that were not learned from.

    Attributes:
        psnr_db: of the rendered frames.
    """

    psnr_db: float


class Learner(Protocol):
    """Does a job; `learn_speaker`, unless it is a test."""

    def __call__(
        self,
        job: LearningJob,
        report: Callable[[EnrolProgress], None],
        stopped: Callable[[], bool],
    ) -> Review | None:
        """Does a job, in a thread of its own.

        Args:
            job: what to do.
            report: told about progress.
            stopped: asked again and again whether to end early.

        Returns:
            None if it was stopped, or the frames to be looked at show no face.

        Raises:
            NerfcallError: the recording cannot be learned from.
        """


def learn_speaker(
    job: LearningJob,
    report: Callable[[EnrolProgress], None],
    stopped: Callable[[], bool],
) -> Review | None:
    """Enrols all of a recording but its end, and renders that."""
    # torch takes seconds to load, and only those who learn need it.
    from client.enrol.review import learned_frames, make_review
    from models.enrolment.enroll import EnrolConfig, enroll

    config = EnrolConfig(
        minutes=job.minutes,
        size=job.size,
        frames=learned_frames(job.clip),
        device=job.device,
        preview=job.preview,
    )
    enroll(job.clip, job.speaker, config, report, stopped=stopped)
    return None if stopped() else make_review(job, stopped)
