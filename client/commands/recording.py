"""The commands for recorded calls: `encode`, `decode`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.commands.options import (
    ClipArgument,
    DeviceName,
    DeviceOption,
    FramesOption,
    LoopOption,
    LoopStepsOption,
    ProfileName,
    ProfileOption,
    SizeOption,
    SpeakerOption,
    TargetOption,
)
from client.commands.progress import ProgressBar
from models.portrait.closed_loop.config import UNHURRIED_STEPS


def encode(
    clip: ClipArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="CALL", help="Recorded call to write.", show_default=False
        ),
    ],
    speaker: SpeakerOption,
    frames: FramesOption = ":",
    profile: ProfileOption = ProfileName.COMPACT,
    target_kbps: TargetOption = None,
    closed_loop: LoopOption = True,
    loop_steps: LoopStepsOption = UNHURRIED_STEPS,
) -> None:
    """Record a clip as a call: the packets that a sender would send, in one file."""
    from models.clip import parse_frames
    from models.evaluation.recording import ClipPart, record_clip
    from models.portrait.closed_loop.opening import Loop
    from models.portrait.speaker import load_speaker

    part = ClipPart.of(clip, parse_frames(frames))
    with ProgressBar() as bar:
        recording = record_clip(
            part,
            output,
            load_speaker(speaker),
            profile.profile(),
            bar.frames,
            Loop.EVERY if closed_loop else Loop.OPEN,
            loop_steps,
            target_kbps,
        )
    typer.echo(
        f"{output}: {recording.frames} frames, {recording.payload_bytes} bytes of packets, "
        f"{recording.payload_kbps:.2f} kbps at {float(recording.fps):g} fps"
    )
    if recording.faceless:
        typer.echo(f"{recording.faceless} frames before the first face are not in it", err=True)


def decode(
    call: Annotated[
        Path,
        typer.Argument(metavar="CALL", help="A call that encode recorded.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="A folder for 000000.png, 000001.png, …, or a .mp4, .mkv or .webm file.",
            show_default=False,
        ),
    ],
    speaker: SpeakerOption,
    size: SizeOption = 256,
    device: DeviceOption = DeviceName.AUTO,
) -> None:
    """Render a recorded call, at any size, as a receiver renders the same bytes live.

    A packet that is damaged is dropped, as in a call, and the picture before it stays.
    """
    from codec.container import CallReader
    from models.evaluation.pictures import open_sink
    from models.evaluation.playback import PacketRenderer, play_call
    from models.portrait.speaker import load_speaker

    who = load_speaker(speaker)
    recorded = CallReader(call, who.id)
    with (
        PacketRenderer(who, size, device) as renderer,
        open_sink(output, recorded.frames, size, recorded.fps) as sink,
        ProgressBar() as bar,
    ):
        playback = play_call(recorded, renderer, sink, bar.frames)
    typer.echo(f"{output}: {playback.pictures} pictures of {size}x{size}")
    if playback.dropped:
        dropped = ", ".join(f"{count} {name}" for name, count in playback.dropped.items())
        typer.echo(f"packets dropped: {dropped}", err=True)
