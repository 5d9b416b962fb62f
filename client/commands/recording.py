"""The commands for recorded calls: `encode`, `decode`, `replay`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.options import (
    ClipArgument,
    DeviceName,
    DeviceOption,
    FramesOption,
    LatencyOption,
    LoopOption,
    LoopStepsOption,
    ProfileName,
    ProfileOption,
    SecondsOption,
    SizeOption,
    SpeakerOption,
    TargetOption,
)
from client.commands.progress import ProgressBar
from codec.quality import RECORDED_LATENCY_MS
from models.portrait.closed_loop.config import UNHURRIED_STEPS

if TYPE_CHECKING:
    from client.feed import Portrait
    from codec.container import CallReader


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
    latency_ms: LatencyOption = RECORDED_LATENCY_MS,
    closed_loop: LoopOption = True,
    loop_steps: LoopStepsOption = UNHURRIED_STEPS,
) -> None:
    """Record a clip as a call: the packets that a sender would send, in one file."""
    from models.clip import parse_frames, probe_clip

    # Before what takes seconds to import.
    wanted = parse_frames(frames)
    probe_clip(clip)
    from models.evaluation.recording import ClipPart, record_clip
    from models.portrait.closed_loop.opening import Loop
    from models.portrait.speaker import load_speaker

    part = ClipPart.of(clip, wanted)
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
            latency_ms,
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
        typer.Argument(
            metavar="CALL", help="A call that encode or --record wrote.", show_default=False
        ),
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

    A packet that is damaged is dropped, as in a call, and the picture before it stays. Of a
    recording that was cut off, what is there is rendered.
    """
    from codec.container import CallReader
    from models.portrait.speaker import load_speaker

    who = load_speaker(speaker)
    recorded = CallReader(call, who.id)
    # Behind what refuses a file: these take seconds to import.
    from models.evaluation.pictures import open_sink
    from models.evaluation.playback import PacketRenderer, play_call

    with (
        PacketRenderer(who, size, device) as renderer,
        open_sink(output, recorded.pictures, size, recorded.fps) as sink,
        ProgressBar() as bar,
    ):
        playback = play_call(recorded, renderer, sink, bar.frames)
    typer.echo(f"{output}: {playback.pictures} pictures of {size}x{size}")
    if playback.dropped:
        dropped = ", ".join(f"{count} {name}" for name, count in playback.dropped.items())
        typer.echo(f"packets dropped: {dropped}", err=True)
    _tell_damage(recorded)


def replay(
    call: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A call that receive --record, call --record or encode wrote.",
            show_default=False,
        ),
    ],
    speaker: Annotated[
        Path | None,
        typer.Option(
            "--speaker",
            metavar="SPEAKER",
            help="The speaker file.",
            show_default="the one that the call left in the cache",
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            "--server", metavar="URL", help="Fetch the speaker file there if it is not here."
        ),
    ] = None,
    from_s: Annotated[
        float,
        typer.Option("--from", min=0.0, metavar="SECONDS", help="Where to begin."),
    ] = 0.0,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="P", help="TCP port of the page.")
    ] = 8090,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    device: DeviceOption = DeviceName.AUTO,
    seconds: SecondsOption = None,
) -> None:
    """Show a recorded call on a page of this machine, with sound, from any moment, at any size.

    The portrait is rendered anew from the recorded packets. Ctrl-C ends it.
    """
    import asyncio

    from client.parts import load_portrait
    from client.replay.run import ReplayConfig
    from client.replay.run import replay as show

    config = ReplayConfig(call, speaker, server, port, browser, from_s, seconds)

    def load(content: bytes, name: str) -> Portrait:
        return load_portrait(content, device, name=name)

    asyncio.run(show(config, load, typer.echo))


def _tell_damage(recorded: CallReader) -> None:
    if not recorded.finished:
        typer.echo("the recording was cut off: this is what there is of it", err=True)
    if recorded.damaged_blocks:
        typer.echo(f"damaged stretches left out: {recorded.damaged_blocks}", err=True)
