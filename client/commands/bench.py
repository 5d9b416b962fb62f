"""The commands that measure: `bench render`, `bench codec`, `bench track`, `bench wire`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.calling import CarrierOption, SoundOption
from client.commands.options import (
    CarrierName,
    DeviceName,
    DeviceOption,
    JsonOption,
    ProfileName,
    ProfileOption,
    TargetOption,
)
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json

if TYPE_CHECKING:
    from client.wire_bench import WireRates
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
    """Time the rendering of a picture at several sizes, by everything here that can draw it.

    Stages are timed one after the other, beside the whole; the last two, colour conversion and
    VP8 for one viewer, come on top of it. The ratio is to plain torch in the same run.
    """
    from client.picture_cost import measure_pictures
    from models.portrait.bench import measure_rendering
    from models.portrait.renderer import PortraitRenderer

    part, who = _subject(clip, speaker, frames)
    with ProgressBar() as bar:
        states = [frame.state for frame in _frames(part, who, bar) if frame.state is not None]
        rows = measure_rendering(who, states, size or SIZES, device, bar.frames)
        with PortraitRenderer(who, device) as renderer:
            costs = {
                side: measure_pictures([renderer.render(state, side) for state in states])
                for side in size or SIZES
            }
    plain = {row.size: row.ms for row in rows if row.path == "torch"}
    ratios = [plain[row.size] / row.ms if row.size in plain else 1.0 for row in rows]
    cells = [
        [f"{row.size}x{row.size}", row.device, row.path]
        + [f"{figure:.1f}" for figure in (row.ms, row.fps, ratio)]
        for row, ratio in zip(rows, ratios, strict=True)
    ]
    print_table("Rendering", ("size", "device", "path", "ms", "fps", "times as fast"), cells)
    staged = [row for row in rows if row.stages]
    if staged:
        names = list(staged[0].stages)
        cells = []
        for row in staged:
            cost = costs[row.size]
            times = [*(row.stages[name] for name in names), cost.yuv_ms, cost.vp8_ms]
            cells.append([f"{row.size}x{row.size}", *(f"{ms:.2f}" for ms in times)])
        print_table("Stages, ms", ("size", *names, "yuv", "vp8"), cells)
    entries = [
        asdict(row) | asdict(costs[row.size]) | {"times_as_fast": ratio}
        for row, ratio in zip(rows, ratios, strict=True)
    ]
    write_json(json_file, {"rows": entries})


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
    carrier: CarrierOption = CarrierName.SRTP,
    sound: SoundOption = False,
    target_kbps: TargetOption = None,
    loss: Annotated[
        float, typer.Option("--loss", min=0.0, max=0.9, help="Share of packets lost, each way.")
    ] = 0.0,
    rtt_ms: Annotated[
        float, typer.Option("--rtt-ms", min=0.0, max=5000.0, metavar="MS", help="Round trip time.")
    ] = 0.0,
    rate_kbps: Annotated[
        float | None,
        typer.Option("--rate-kbps", min=5.0, metavar="KBPS", help="What the link passes each way."),
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Run a call between two network namespaces and count every byte on the link, by cause.

    Server and sender run at one end of the link, the receiver at the other; tcpdump captures
    what leaves either. Needs Linux, iproute2, tcpdump and the rights to make namespaces.
    """
    from client.emulation.path import LinkShape
    from client.wire_bench import WireConfig, measure_wire

    clip_path, speaker_path = _clip_and_speaker(clip, speaker)
    shape = LinkShape(loss=loss, delay_ms=rtt_ms / 2.0, rate_kbps=rate_kbps)
    config = WireConfig(
        *(clip_path, speaker_path, profile.value, size, seconds, shape),
        *(carrier.value, sound, target_kbps),
    )
    with ProgressBar() as bar:
        rates = measure_wire(
            config, lambda done_s: bar.share("measuring", done_s / seconds, seconds - done_s)
        )
    causes = [name for name in rates.down.by_cause_kbps if _is_worth_a_line(rates, name)]
    ways = (rates.down, rates.up)
    cells = [[name, *(f"{way.by_cause_kbps[name]:.2f}" for way in ways)] for name in causes]
    cells.append(["all, captured", *(f"{way.captured_kbps:.2f}" for way in ways)])
    cells.append(["without signaling, counted", *(f"{way.counted_kbps:.2f}" for way in ways)])
    link = f"{loss:.0%} lost, {rtt_ms:g} ms there and back"
    what = f"{profile.value} over {carrier.value}{', sound' if sound else ''}"
    title = f"Wire, {what}, {seconds:g} s, {link}, kbps"
    print_table(title, ("", "from the sender", "to the sender"), cells)
    both = rates.down.captured_kbps + rates.up.captured_kbps
    typer.echo(
        f"both ways {both:.2f} kbps; {rates.frames_received} frames received, "
        f"{rates.frames_lost} lost"
    )
    row = {
        "profile": profile.value,
        "carrier": carrier.value,
        "sound": sound,
        "loss": loss,
        "rtt_ms": rtt_ms,
        "rate_kbps": rate_kbps,
        "wire_down_kbps": rates.down.captured_kbps,
        "wire_up_kbps": rates.up.captured_kbps,
        **asdict(rates),
    }
    write_json(json_file, {"rows": [row]})


def _is_worth_a_line(rates: WireRates, cause: str) -> bool:
    return any(abs(way.by_cause_kbps[cause]) >= 0.005 for way in (rates.down, rates.up))


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
