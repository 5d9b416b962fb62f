"""What the benches measure on: a clip and its speaker, the demo's unless others are named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.progress import ProgressBar

if TYPE_CHECKING:
    from models.evaluation.recording import ClipPart, CodedFrame
    from models.portrait.speaker import Speaker

BenchClipOption = Annotated[
    Path | None,
    typer.Option(
        "--clip", metavar="CLIP", help="The clip to measure on.", show_default="the demo's"
    ),
]
BenchSpeakerOption = Annotated[
    Path | None,
    typer.Option(
        "--speaker",
        metavar="SPEAKER",
        help="Who is in it.",
        show_default="learned on the first use, as in the demo",
    ),
]
BenchFramesOption = Annotated[
    str, typer.Option("--frames", metavar="A:B", help="Which frames of the clip.")
]


def subject(clip: Path | None, speaker: Path | None, frames: str) -> tuple[ClipPart, Speaker]:
    """Loads what is measured on.

    Raises:
        NerfcallError: it cannot be read, or not be learned.
    """
    from models.clip import parse_frames
    from models.evaluation.recording import ClipPart
    from models.portrait.speaker import load_speaker

    clip_path, speaker_path = clip_and_speaker(clip, speaker)
    return ClipPart.of(clip_path, parse_frames(frames)), load_speaker(speaker_path)


def clip_and_speaker(clip: Path | None, speaker: Path | None) -> tuple[Path, Path]:
    """Completes what was not named by the demo's; measures nobody by another one's clip."""
    from client.enrolled import QuickEnrolment, cache_root, enrolled_speaker
    from models.demo_clip import default_clip

    if speaker is not None and clip is None:
        raise typer.BadParameter(
            "expected the clip that shows this speaker, got none", param_hint="--clip"
        )
    clip = clip or default_clip(cache_root())
    return clip, speaker or enrolled_speaker(clip, QuickEnrolment(), typer.echo)


def tracked_frames(
    part: ClipPart, speaker: Speaker, bar: ProgressBar, portrait_size: int | None = None
) -> Sequence[CodedFrame]:
    """Tracks frames, as a sender does that has the time; those that have a face.

    Raises:
        NoFaceError: there are none.
    """
    from models.errors import NoFaceError
    from models.evaluation.recording import code_frames

    frames: list[CodedFrame] = []
    done = 0
    for coded in code_frames(part, speaker, portrait_size=portrait_size):
        done += len(coded.frames)
        bar.frames("tracking", done, part.frames)
        frames += [frame for frame in coded.frames if frame.state is not None]
    if not frames:
        raise NoFaceError(f"{part.path}: expected a face, got none in {part.frames} frames")
    return frames
