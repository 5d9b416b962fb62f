"""`bench growth`: what more pixels, samples and viewers cost."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from client.commands.bench_subject import (
    BenchClipOption,
    BenchFramesOption,
    BenchSpeakerOption,
    subject,
    tracked_frames,
)
from client.commands.options import DeviceName, DeviceOption, JsonOption
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json


def growth(
    clip: BenchClipOption = None,
    speaker: BenchSpeakerOption = None,
    frames: BenchFramesOption = "0:20",
    size: Annotated[
        int,
        typer.Option("--size", min=64, max=1024, metavar="N", help="Side of the pictures, pixels."),
    ] = 256,
    device: DeviceOption = DeviceName.AUTO,
    plots: Annotated[
        Path | None,
        typer.Option("--plots", metavar="DIR", help="Also draw the three curves there, as SVG."),
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Time a picture while its pixels, the samples of its rays, or its viewers become more."""
    from client.growth import measure_growth, plot_growth

    part, who = subject(clip, speaker, frames)
    with ProgressBar() as bar:
        coded = tracked_frames(part, who, bar)
        states = [frame.state for frame in coded if frame.state is not None]
        rows = measure_growth(who, states, size, device, bar.frames)
    cells = [[row.by, str(row.value), f"{row.ms:.1f}"] for row in rows]
    print_table(f"Growth, {size}x{size}", ("", "how many", "ms a picture"), cells)
    if plots is not None:
        plots.mkdir(parents=True, exist_ok=True)
        titles = {
            "pixels": "Pixels of a picture",
            "samples": f"Fine samples of a ray, {size}x{size}",
            "viewers": f"Viewers of one receiver, {size}x{size}",
        }
        for by, title in titles.items():
            (plots / f"{by}.svg").write_text(plot_growth(rows, by, title))
    write_json(json_file, {"rows": [asdict(row) for row in rows]})
