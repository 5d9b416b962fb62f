"""The commands that measure, all of them below `bench`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.bench_growth import growth
from client.commands.bench_network import network
from client.commands.bench_soak import soak
from client.commands.bench_subject import (
    BenchClipOption,
    BenchFramesOption,
    BenchSpeakerOption,
    clip_and_speaker,
    subject,
    tracked_frames,
)
from client.commands.calling import CarrierOption, ConstantSizeOption, SoundOption
from client.commands.coding import (
    AnyLatencyOption,
    PriceOption,
    QuantiserOption,
    RecordedOption,
    encoder_config,
)
from client.commands.options import (
    CarrierName,
    ClipArgument,
    DeviceName,
    DeviceOption,
    JsonOption,
    ProfileName,
    ProfileOption,
    TargetOption,
)
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json
from codec.quality import USUAL_QUALITY

if TYPE_CHECKING:
    from client.wire_bench import WayRates
    from codec.loss_bench import LossBench

SIZES = (128, 256, 512, 1024)
FIDELITY_SIZE = 256

app = typer.Typer(no_args_is_help=True, help="Measure speed and rate on this machine.")
app.command()(growth)
app.command()(network)
app.command()(soak)


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
    VP8 for one viewer, come on top of it. The ratio is to plain torch in the same run. The bound
    is what a stage's arithmetic or memory takes at the rates of a large matrix product and a
    large copy, measured just before.
    """
    from client.picture_cost import measure_pictures
    from models.evaluation.fidelity import measure_fidelity
    from models.portrait.bench import measure_rendering
    from models.portrait.renderer import PortraitRenderer

    part, who = subject(clip, speaker, frames)
    with ProgressBar() as bar:
        seen = [
            (frame.state, frame.portrait)
            for frame in tracked_frames(part, who, bar, portrait_size=FIDELITY_SIZE)
            if frame.state is not None and frame.portrait is not None
        ]
        states = [state for state, _ in seen]
        rows = measure_rendering(who, states, size or SIZES, device, bar.frames)
        with PortraitRenderer(who, device) as renderer:
            costs = {
                side: measure_pictures([renderer.render(state, side) for state in states])
                for side in size or SIZES
            }
        fidelity = measure_fidelity(
            who, states, [portrait for _, portrait in seen], device, bar.frames
        )
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
        cells = [
            [f"{row.size}x{row.size}"]
            + [f"{100.0 * row.least[name] / row.stages[name]:.0f}%" for name in names]
            for row in staged
        ]
        print_table("Share of this machine's bound", ("size", *names), cells)
    if fidelity is not None:
        near, lost = f"{fidelity.twin_db:.1f} dB", f"{fidelity.lost_db:+.3f} dB"
        print_table(
            f"The fast path, {FIDELITY_SIZE}x{FIDELITY_SIZE}",
            ("PSNR to plain torch", "PSNR lost against the camera"),
            [[near, lost]],
        )
    entries = [
        asdict(row) | asdict(costs[row.size]) | {"times_as_fast": ratio}
        for row, ratio in zip(rows, ratios, strict=True)
    ]
    write_json(
        json_file, {"rows": entries, "fidelity": None if fidelity is None else asdict(fidelity)}
    )


@app.command()
def codec(
    clip: BenchClipOption = None,
    speaker: BenchSpeakerOption = None,
    frames: BenchFramesOption = "0:500",
    recorded: RecordedOption = False,
    price_of_bit: PriceOption = USUAL_QUALITY.price_of_bit,
    quantiser: QuantiserOption = USUAL_QUALITY.quantiser,
    latency_ms: AnyLatencyOption = None,
    json_file: JsonOption = None,
) -> None:
    """Measure rate, loss of picture and survival of losses of a clip's numbers, both profiles."""
    from codec.bench import measure
    from codec.loss_bench import LOSS_RATES, RTTS_MS, measure_answered
    from models.evaluation.coding_loss import measure_coding_loss

    part, who = subject(clip, speaker, frames)
    config = encoder_config(recorded, price_of_bit, quantiser, latency_ms)
    with ProgressBar() as bar:
        coded = tracked_frames(part, who, bar, portrait_size=256)
        states = [frame.state for frame in coded if frame.state is not None]
        sensitivities = [frame.sensitivity for frame in coded]
        profiles = [name.profile() for name in ProfileName]
        losses = dict(
            zip(
                ProfileName,
                measure_coding_loss(coded, who, profiles, bar.frames, config),
                strict=True,
            )
        )
        benches = {
            name.value: measure(
                states,
                who.signal,
                name.profile(),
                config,
                fps=float(part.fps),
                sensitivities=sensitivities,
            )
            for name in ProfileName
        }
        answered = [
            measure_answered(
                states, who.signal, loss, rtt_ms, config, float(part.fps), sensitivities
            )
            for rtt_ms in RTTS_MS
            for loss in LOSS_RATES
            if not recorded
        ]
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
            cells.append([f"{loss.loss:.0%} lost", *(_survived(entry) for entry in found)])
    for entry in answered:
        label = f"{entry.loss:.0%} lost, receipts, rtt {entry.rtt_ms:g} ms"
        cells.append([label, f"{entry.payload_kbps:.2f} kbps, {_survived(entry)}", ""])
    lost = (f"{losses[name].lost_db:+.3f} dB" for name in ProfileName)
    cells.insert(1, ["PSNR lost against unquantised numbers", *lost])
    print_table(f"Codec, {len(states)} frames", ("", *benches), cells)
    rows = [
        {"profile": name.value, **asdict(benches[name.value]), **asdict(losses[name])}
        for name in ProfileName
    ]
    rows[0]["answered"] = [asdict(entry) for entry in answered]
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

    part, who = subject(clip, speaker, frames)
    with ProgressBar() as bar:
        stages = measure_sender(part, who, bar.frames)
    cells = [[stage.stage, f"{stage.ms:.2f}", f"{stage.fps:.0f}"] for stage in stages]
    print_table(f"Sender, {part.frames} frames", ("stage", "ms", "fps"), cells)
    rows = [{"stage": stage.stage, "ms": stage.ms, "fps": stage.fps} for stage in stages]
    write_json(json_file, {"rows": rows})


@app.command()
def sound(
    clip: ClipArgument,
    loss: Annotated[
        list[float] | None,
        typer.Option("--loss", min=0.0, max=0.9, help="Share of packets lost; may be repeated."),
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Lose some of a clip's sound, play the rest, and measure what it sounds like.

    Without and with copies of each frame in the packet behind it, on a clock of its own.
    """
    import numpy as np

    from client.sound.bench import bench_sound
    from client.sound.source import read_sound

    wave = np.concatenate(list(read_sound(clip)))
    runs = bench_sound(wave, loss or (0.0, 0.1, 0.2))
    cells = [
        [
            f"{run.loss:.0%} lost{', copies' if run.copies else ''}",
            *(f"{run.kbps:.2f}", f"{run.concealed:.1%}"),
            *(f"{run.distance_db:.1f}", f"{run.silence_db:.1f}", f"{run.late_ms:.1f}"),
        ]
        for run in runs
    ]
    columns = ("", "kbit/s", "made up", "LSD, dB", "of silence", "late, ms")
    print_table(f"Sound of {clip.name}", columns, cells)
    write_json(json_file, {"rows": [asdict(run) for run in runs]})


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
    constant_size: ConstantSizeOption = False,
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
    two_way: Annotated[
        bool,
        typer.Option("--two-way", help="Two participants who both send, instead of one who does."),
    ] = False,
    json_file: JsonOption = None,
) -> None:
    """Run a call between two network namespaces and count every byte on the link, by cause.

    Server and sender run at one end of the link, the receiver at the other; tcpdump captures
    what leaves either. Needs Linux, iproute2, tcpdump and the rights to make namespaces.
    """
    from client.emulation.path import LinkShape
    from client.two_way_bench import measure_two_way
    from client.wire_bench import WireConfig, measure_wire

    clip_path, speaker_path = clip_and_speaker(clip, speaker)
    shape = LinkShape(loss=loss, delay_ms=rtt_ms / 2.0, rate_kbps=rate_kbps)
    config = WireConfig(
        *(clip_path, speaker_path, profile.value, size, seconds, shape),
        *(carrier.value, sound, target_kbps, constant_size),
    )
    link = f"{loss:.0%} lost, {rtt_ms:g} ms there and back"
    what = f"{profile.value} over {carrier.value}{', sound' if sound else ''}"
    what += ", constant size" if constant_size else ""
    title = f"Wire, {what}, {seconds:g} s, {link}, kbps"
    with ProgressBar() as bar:

        def told(done_s: float) -> None:
            bar.share("measuring", done_s / seconds, seconds - done_s)

        if two_way:
            both_ways = measure_two_way(config, told)
            _show_ways(f"{title}, both send", ("from one end", "from the other"), both_ways)
            write_json(json_file, {"rows": [asdict(way) for way in both_ways]})
            return
        rates = measure_wire(config, told)
    _show_ways(title, ("from the sender", "to the sender"), (rates.down, rates.up))
    both = rates.down.captured_kbps + rates.up.captured_kbps
    typer.echo(
        f"both ways {both:.2f} kbps; {rates.frames_received} frames received, "
        f"{rates.frames_lost} lost"
    )
    row = {
        "profile": profile.value,
        "carrier": carrier.value,
        "sound": sound,
        "constant_size": constant_size,
        "loss": loss,
        "rtt_ms": rtt_ms,
        "rate_kbps": rate_kbps,
        "wire_down_kbps": rates.down.captured_kbps,
        "wire_up_kbps": rates.up.captured_kbps,
        **asdict(rates),
    }
    write_json(json_file, {"rows": [row]})


@app.command()
def signaling(
    rooms: Annotated[
        int, typer.Option("--rooms", min=1, max=2000, metavar="N", help="Rooms, two peers in each.")
    ] = 500,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1.0, metavar="S", help="How long each phase lasts.")
    ] = 15.0,
    flood: Annotated[
        float,
        typer.Option(
            "--flood", min=1.0, metavar="N", help="Connections a second that one address tries."
        ),
    ] = 2000.0,
    json_file: JsonOption = None,
) -> None:
    """Measure how long signaling takes from peer to peer, when quiet and while an address floods.

    Runs a server, all peers and the flood on this machine, as three processes. Needs Linux's
    loopback network. What the peers' process itself is late by is in the latencies as well.
    """
    from client.signaling_bench import SignalingLoad, measure_signaling

    with ProgressBar() as bar:
        bar.share("measuring", 0.0, 2.0 * seconds)
        measured = measure_signaling(SignalingLoad(rooms, seconds, flood))
    cells = [
        [
            *(phase, f"{it.messages}", f"{it.p50_ms:.1f}", f"{it.p99_ms:.1f}"),
            *(f"{it.largest_ms:.1f}", f"{it.late_p99_ms:.1f}"),
            *(f"{it.server_cores:.2f}", f"{it.flood_per_s:.0f}"),
        ]
        for phase, it in measured.items()
    ]
    head = ("", "messages", "p50", "p99", "largest", "peers late p99", "server's cores", "flood/s")
    print_table(f"Signaling, {rooms} rooms, ms", head, cells)
    rows = [{"phase": phase, "rooms": rooms, **asdict(it)} for phase, it in measured.items()]
    write_json(json_file, {"rows": rows})


def _survived(loss: LossBench) -> str:
    """What share of the frames came through, and how long most of the outages were."""
    return f"{loss.decoded:.0%}, 90 % of outages ≤ {loss.outage_p90_ms:.0f} ms"


def _show_ways(title: str, names: tuple[str, str], ways: tuple[WayRates, WayRates]) -> None:
    """What left either end, by cause; causes that cost next to nothing are left out."""
    causes = [
        name
        for name in ways[0].by_cause_kbps
        if any(abs(way.by_cause_kbps[name]) >= 0.005 for way in ways)
    ]
    cells = [[name, *(f"{way.by_cause_kbps[name]:.2f}" for way in ways)] for name in causes]
    cells.append(["all, captured", *(f"{way.captured_kbps:.2f}" for way in ways)])
    if all(way.counted_kbps for way in ways):
        cells.append(["without signaling, counted", *(f"{way.counted_kbps:.2f}" for way in ways)])
    print_table(title, ("", *names), cells)
