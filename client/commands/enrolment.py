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

STOPPED_STATUS = 130
"""As of every command that Ctrl-C ends, even if there is a result."""
RESUME_HINT = "go on with --resume"
PAGE_OUTPUT = "me.speaker"

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
        help="Of more frames than this, choose the most telling.",
        show_default="what time and memory allow",
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
    from models.clip import parse_frames, probe_clip

    # Before what takes seconds to import.
    wanted = parse_frames(frames)
    probe_clip(clip)
    from models.enrolment.room import most_frames
    from models.face.dataset import save_dataset
    from models.face.suitable import check_suitable
    from models.face.track_clip import track_clip

    with ProgressBar() as bar:
        dataset = track_clip(
            clip,
            wanted,
            size,
            max_frames=max_frames or most_frames(size),
            person_masks=True,
            progress=bar.frames,
            check=check_suitable,
        )
    save_dataset(dataset, output)
    typer.echo(f"{output}: {len(dataset)} frames, {output.stat().st_size / 1e6:.1f} MB")


def enroll(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="SPEAKER",
            help=f"Speaker file to write; with --page {PAGE_OUTPUT}, unless told.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="CLIP|DATASET",
            help="A video of one person, or a data set of nerfcall track.",
            show_default=False,
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            "--camera", metavar="N", help="Record the face before this camera instead, first."
        ),
    ] = None,
    page: Annotated[
        bool,
        typer.Option(
            "--page", help="Record and learn on a page in the browser, and look at the result."
        ),
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="P", help="Of the page; 0: any.")
    ] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    seconds: Annotated[
        float,
        typer.Option("--seconds", min=10.0, max=600.0, metavar="S", help="How long to record."),
    ] = 60.0,
    frames: FramesOption = ":",
    size: TrainingSizeOption = 256,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.1, metavar="M", help="Time it may take in all.")
    ] = 5.0,
    max_frames: MaxFramesOption = None,
    device: DeviceOption = DeviceName.AUTO,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of all randomness.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where it was interrupted, if it was.")
    ] = False,
    preview: Annotated[
        Path | None,
        typer.Option(
            "--preview",
            metavar="FILE.png",
            help="Show progress in this picture: a frame not learned from, beside its portrait.",
        ),
    ] = None,
) -> None:
    """Learn a speaker: turn a clip into the file that sender and receiver of a call need.

    The clip should show one person from the front, well lit, talking and moving as in a call;
    half a minute is enough. Ctrl-C ends it early and writes what was learned so far; --resume
    goes on, also after a crash.
    """
    given = sum((source is not None, camera is not None, page))
    if given != 1:
        got = "none" if not given else "several"
        raise typer.BadParameter(
            f"expected a clip, --camera or --page, got {got}", param_hint="CLIP"
        )
    if output is None and not page:
        raise typer.BadParameter("expected a speaker file to write, got none", param_hint="-o")
    output = output or Path(PAGE_OUTPUT)
    check_writable(output)
    if page:
        _enrol_on_page(output, seconds, minutes, size, device, port, browser)
        return
    if preview is not None:
        check_writable(preview)
    from client.interrupt import Interrupt
    from models.clip import parse_frames, probe_clip
    from models.face.dataset import is_dataset

    # Before what takes seconds to import.
    wanted = parse_frames(frames)
    if source is not None and not is_dataset(source):
        probe_clip(source)
    from models.enrolment.enroll import EnrolConfig
    from models.enrolment.enroll import enroll as learn
    from models.errors import StoppedError

    config = EnrolConfig(
        minutes=minutes,
        size=size,
        frames=wanted,
        max_frames=max_frames,
        device=device,
        seed=seed,
        resume=resume,
        preview=preview,
    )
    if source is None:
        assert camera is not None
        source = _recorded(camera, output.with_name(f"{output.name}.mkv"), seconds, resume)
    try:
        with Interrupt() as stopped, ProgressBar() as bar:

            def report(progress: EnrolProgress) -> None:
                bar.share(_describe(progress), progress.share, progress.remaining_s)

            speaker = learn(source, output, config, report, stopped=stopped)
    except StoppedError as error:
        typer.echo(f"{error}; nothing written, {RESUME_HINT}", err=True)
        raise typer.Exit(STOPPED_STATUS) from error
    done = speaker.manifest["enrolment"]
    typer.echo(f"{output}: {output.stat().st_size / 1e6:.2f} MB, speaker {speaker.id[:12]}…")
    if not done["complete"]:
        typer.echo(f"Stopped after {done['steps']} steps, so it is a rough one; {RESUME_HINT}.")
        raise typer.Exit(STOPPED_STATUS)


def _describe(progress: EnrolProgress) -> str:
    """What is being done, and how good it is so far."""
    if progress.held_out_db is not None:
        return f"{progress.stage}, {progress.held_out_db:.1f} dB on unseen frames"
    if progress.psnr_db is not None:
        return f"{progress.stage}, {progress.psnr_db:.1f} dB"
    return progress.stage


def _enrol_on_page(
    output: Path,
    seconds: float,
    minutes: float,
    size: int,
    device: DeviceName,
    port: int,
    browser: bool,
) -> None:
    """Serves the page until a speaker is accepted there."""
    import asyncio
    import webbrowser

    from client.enrol.serving import serve_enrolment
    from client.enrol.studio import StudioConfig

    def announce(address: str) -> None:
        typer.echo(f"enrol at {address}")
        if browser:
            webbrowser.open(address)

    config = StudioConfig(output, seconds, minutes, size, device)
    if not asyncio.run(serve_enrolment(config, port, announce)):
        typer.echo("Ended before a speaker was accepted; nothing written.", err=True)
        raise typer.Exit(STOPPED_STATUS)
    typer.echo(f"{output}: {output.stat().st_size / 1e6:.2f} MB")


def _recorded(camera: str, path: Path, seconds: float, resume: bool) -> Path:
    """Records the person before a camera, telling what to do, or takes what was recorded."""
    if resume and path.is_file():
        return path
    from client.camera_clip import record_camera
    from client.camera_prompts import PROMPTS, prompt_number
    from client.capture import CameraSource

    source = CameraSource(camera)
    typer.echo(f"Recording {seconds:.0f} s into {path}. Sit as in a call, in even light.")
    told = 0
    with ProgressBar() as bar:

        def follow(recorded_s: float) -> None:
            nonlocal told
            while told <= prompt_number(recorded_s / seconds):
                typer.echo(PROMPTS[told])
                told += 1
            bar.share("recording", recorded_s / seconds, seconds - recorded_s)

        record_camera(source, path, seconds, follow)
    return path
