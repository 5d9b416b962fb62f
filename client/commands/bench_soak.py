"""`bench soak`: what grows in a long call."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from client.commands.bench_subject import BenchClipOption, BenchSpeakerOption, clip_and_speaker
from client.commands.options import JsonOption
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json


def soak(
    clip: BenchClipOption = None,
    speaker: BenchSpeakerOption = None,
    size: Annotated[
        int,
        typer.Option("--size", min=64, max=1024, metavar="N", help="Side of the pictures, pixels."),
    ] = 256,
    seconds: Annotated[
        float, typer.Option("--seconds", min=20.0, metavar="S", help="How long.")
    ] = 600.0,
    json_file: JsonOption = None,
) -> None:
    """Run a call for long and watch memory, open files, threads and frame rate of its processes.

    Prints the address of its page: whoever opens it is part of what is measured.
    """
    from client.soak import soak as run

    clip_path, speaker_path = clip_and_speaker(clip, speaker)
    with ProgressBar() as bar:
        outcome = run(
            clip_path,
            speaker_path,
            size,
            seconds,
            live=lambda address: typer.echo(f"watch at {address}"),
            progress=lambda done_s: bar.share("calling", done_s / seconds, seconds - done_s),
        )
    cells = [
        [
            it.part,
            f"{it.memory_mb:.0f}",
            f"{it.slope_mb_per_h:+.1f}",
            f"{it.files_before} → {it.files_after}",
            f"{it.threads_before} → {it.threads_after}",
        ]
        for it in outcome.growths
    ]
    columns = ("process", "memory, MB", "growth, MB/h", "files", "threads")
    print_table(f"Soak, {seconds:g} s, {size}x{size}", columns, cells)
    typer.echo(
        f"{outcome.render_fps:.1f} pictures a second (least {outcome.least_render_fps:.1f}), "
        f"{outcome.frame_interval_p95_ms:.0f} ms between two at the 95th percentile; "
        f"{outcome.frames_received} frames received, {outcome.frames_lost} lost"
    )
    write_json(json_file, asdict(outcome))
