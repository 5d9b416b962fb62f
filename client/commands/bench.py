"""The commands that measure: `bench render`, `bench codec`, `bench track`, `bench wire`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.options import (
    DeviceName,
    DeviceOption,
    JsonOption,
    ProfileName,
    ProfileOption,
)
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json

if TYPE_CHECKING:
    from models.evaluation.recording import ClipPart, CodedFrame
    from models.portrait.speaker import Speaker

SIZES = (128, 256, 512, 1024)

app = typer.Typer(no_args_is_help=True, help="Measure speed and rate on this machine.")

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


@app.command()
def render(
    clip: BenchClipOption = None,
    speaker: BenchSpeakerOption = None,
    frames: BenchFramesOption = "0:10",
    size: Annotated[
        list[int] | None,
        typer.Option(
            "--size",
            min=16,
            max=4096,
            metavar="N",
            help="Side of the pictures, pixels; may be given several times.",
            show_default="128, 256, 512, 1024",
        ),
    ] = None,
    device: DeviceOption = DeviceName.AUTO,
    json_file: JsonOption = None,
) -> None:
    """Time the rendering of a picture at several sizes, by everything here that can draw it."""
    from models.portrait.bench import measure_rendering

    part, who = _subject(clip, speaker, frames)
    with ProgressBar() as bar:
        states = [frame.state for frame in _frames(part, who, bar) if frame.state is not None]
        rows = measure_rendering(who, states, size or SIZES, device, bar.frames)
    cells = [
        [f"{row.size}x{row.size}", row.device, row.path, f"{row.ms:.1f}", f"{row.fps:.1f}"]
        for row in rows
    ]
    print_table("Rendering", ("size", "device", "path", "ms", "fps"), cells)
    write_json(json_file, {"rows": [asdict(row) for row in rows]})


@app.command()
def codec(
    clip: BenchClipOption = None,
    speaker: BenchSpeakerOption = None,
    frames: BenchFramesOption = "0:500",
    json_file: JsonOption = None,
) -> None:
    """Measure rate, loss of picture and survival of losses of a clip's numbers, both profiles."""
    from codec.bench import measure
    from models.evaluation.coding_loss import measure_coding_loss

    part, who = _subject(clip, speaker, frames)
    with ProgressBar() as bar:
        coded = _frames(part, who, bar, portrait_size=256)
        states = [frame.state for frame in coded if frame.state is not None]
        sensitivities = [frame.sensitivity for frame in coded]
        profiles = [name.profile() for name in ProfileName]
        losses = dict(
            zip(ProfileName, measure_coding_loss(coded, who, profiles, bar.frames), strict=True)
        )
        benches = {
            name.value: measure(
                states,
                who.signal,
                name.profile(),
                fps=float(part.fps),
                sensitivities=sensitivities,
            )
            for name in ProfileName
        }
    lines: list[tuple[str, str, str]] = [
        ("payload", "payload_kbps", "{:.2f} kbps"),
        ("of which key packets", "key_kbps", "{:.2f} kbps"),
        ("of which headers", "header_share", "{:.0%}"),
        ("packet, 5 %", "packet_bytes_p5", "{:.0f} bytes"),
        ("packet, median", "packet_bytes_median", "{:.0f} bytes"),
        ("packet, 95 %", "packet_bytes_p95", "{:.0f} bytes"),
        ("key packet", "key_packet_bytes", "{:.0f} bytes"),
        ("encoding", "encode_ms", "{:.2f} ms"),
        ("decoding", "decode_ms", "{:.2f} ms"),
    ]
    cells = [
        [label, *(form.format(getattr(bench, name)) for bench in benches.values())]
        for label, name, form in lines
    ]
    for position, loss in enumerate(benches[ProfileName.COMPACT].losses):
        if loss.loss:
            found = (bench.losses[position] for bench in benches.values())
            label = f"decoded at {loss.loss:.0%} loss"
            cells.append([label, *(f"{entry.decoded:.0%}" for entry in found)])
    lost = (f"{losses[name].lost_db:+.3f} dB" for name in ProfileName)
    cells.insert(1, ["PSNR lost against unquantised numbers", *lost])
    print_table(f"Codec, {len(states)} frames", ("", *benches), cells)
    rows = [
        {"profile": name.value, **asdict(benches[name.value]), **asdict(losses[name])}
        for name in ProfileName
    ]
    write_json(json_file, {"rows": rows})


@app.command()
def track(
    clip: BenchClipOption = None,
    speaker: BenchSpeakerOption = None,
    frames: BenchFramesOption = "0:100",
    json_file: JsonOption = None,
) -> None:
    """Time what a sender does with a frame."""
    from models.evaluation.tracking_speed import measure_sender

    part, who = _subject(clip, speaker, frames)
    with ProgressBar() as bar:
        stages = measure_sender(part, who, bar.frames)
    cells = [[stage.stage, f"{stage.ms:.2f}", f"{stage.fps:.0f}"] for stage in stages]
    print_table(f"Sender, {part.frames} frames", ("stage", "ms", "fps"), cells)
    rows = [{"stage": stage.stage, "ms": stage.ms, "fps": stage.fps} for stage in stages]
    write_json(json_file, {"rows": rows})


@app.command()
def wire(
    clip: BenchClipOption = None,
    speaker: BenchSpeakerOption = None,
    profile: ProfileOption = ProfileName.COMPACT,
    size: Annotated[
        int,
        typer.Option("--size", min=64, max=1024, metavar="N", help="Side of the pictures, pixels."),
    ] = 128,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1.0, metavar="S", help="How long to measure.")
    ] = 20.0,
    json_file: JsonOption = None,
) -> None:
    """Run a call over loopback and count every byte on the wire, IP headers included.

    Server and sender run as processes of their own, the receiver in this one, where aiortc
    hands its datagrams to the system. There is no loss and no delay: emulated links in network
    namespaces are yet to come.
    """
    from client.wire_bench import WireConfig, measure_wire

    clip_path, speaker_path = _clip_and_speaker(clip, speaker)
    config = WireConfig(clip_path, speaker_path, profile.value, size, seconds)
    with ProgressBar() as bar:
        rates = measure_wire(
            config, lambda done_s: bar.share("measuring", done_s / seconds, seconds - done_s)
        )
    cells = [
        ["payload", f"{rates.payload_kbps:.2f}", "-"],
        ["wire", f"{rates.wire_down_kbps:.2f}", f"{rates.wire_up_kbps:.2f}"],
    ]
    title = f"Wire, {profile.value}, {seconds:g} s, kbps"
    print_table(title, ("", "from the sender", "to the sender"), cells)
    typer.echo(f"{rates.frames_received} frames received, {rates.frames_lost} lost")
    write_json(json_file, {"rows": [{"profile": profile.value, **asdict(rates)}]})


def _subject(clip: Path | None, speaker: Path | None, frames: str) -> tuple[ClipPart, Speaker]:
    """Loads what is measured on."""
    from models.clip import parse_frames
    from models.evaluation.recording import ClipPart
    from models.portrait.speaker import load_speaker

    clip_path, speaker_path = _clip_and_speaker(clip, speaker)
    return ClipPart.of(clip_path, parse_frames(frames)), load_speaker(speaker_path)


def _clip_and_speaker(clip: Path | None, speaker: Path | None) -> tuple[Path, Path]:
    """Completes what was not named by the demo's; measures nobody by another one's clip."""
    from client.enrolled import QuickEnrolment, cache_root, enrolled_speaker
    from models.demo_clip import default_clip

    if speaker is not None and clip is None:
        raise typer.BadParameter(
            "expected the clip that shows this speaker, got none", param_hint="--clip"
        )
    clip = clip or default_clip(cache_root())
    return clip, speaker or enrolled_speaker(clip, QuickEnrolment(), typer.echo)


def _frames(
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
