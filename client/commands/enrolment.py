"""The commands that learn a speaker: `track`, `enroll`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.options import (
    ClipArgument,
    DeviceName,
    DeviceOption,
    FramesOption,
    check_writable,
)
from client.commands.progress import ProgressBar

if TYPE_CHECKING:
    from models.enrolment.enroll import EnrolProgress

TrainingSizeOption = Annotated[
    int,
    typer.Option(
        "--size", min=64, max=1024, metavar="N", help="Side of the pictures to learn from, pixels."
    ),
]
MaxFramesOption = Annotated[
    int | None,
    typer.Option(
        "--max-frames",
        min=1,
        metavar="N",
        help="Thin out more frames than this evenly.",
        show_default="keep all",
    ),
]


def track(
    clip: ClipArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DATASET", help="File to write.", show_default=False
        ),
    ],
    frames: FramesOption = ":",
    size: TrainingSizeOption = 256,
    max_frames: MaxFramesOption = None,
) -> None:
    """Track a clip and write what enrolment learns from, to enrol on another machine."""
    check_writable(output)
    from models.clip import parse_frames
    from models.face.dataset import save_dataset
    from models.face.track_clip import track_clip

    with ProgressBar() as bar:
        dataset = track_clip(
            clip,
            parse_frames(frames),
            size,
            max_frames=max_frames,
            person_masks=True,
            progress=bar.frames,
        )
    save_dataset(dataset, output)
    typer.echo(f"{output}: {len(dataset)} frames, {output.stat().st_size / 1e6:.1f} MB")


def enroll(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="CLIP|DATASET",
            help="A video of one person, or a data set of nerfcall track.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="SPEAKER", help="Speaker file to write.", show_default=False
        ),
    ],
    frames: FramesOption = ":",
    size: TrainingSizeOption = 256,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.1, metavar="M", help="Time it may take in all.")
    ] = 5.0,
    max_frames: MaxFramesOption = None,
    device: DeviceOption = DeviceName.AUTO,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of all randomness.")] = 0,
) -> None:
    """Learn a speaker: turn a clip into the file that sender and receiver of a call need.

    The clip should show one person from the front, well lit, talking and moving as in a call;
    half a minute is enough.
    """
    check_writable(output)
    from models.clip import parse_frames
    from models.enrolment.enroll import EnrolConfig
    from models.enrolment.enroll import enroll as learn

    config = EnrolConfig(
        minutes=minutes,
        size=size,
        frames=parse_frames(frames),
        max_frames=max_frames,
        device=device,
        seed=seed,
    )
    with ProgressBar() as bar:

        def report(progress: EnrolProgress) -> None:
            quality = "" if progress.psnr_db is None else f", {progress.psnr_db:.1f} dB"
            bar.share(f"{progress.stage}{quality}", progress.share, progress.remaining_s)

        speaker = learn(source, output, config, report)
    typer.echo(f"{output}: {output.stat().st_size / 1e6:.2f} MB, speaker {speaker.id[:12]}…")
