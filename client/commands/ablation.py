"""The command `ablation`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from client.commands.options import ClipArgument, DeviceName, DeviceOption, FramesOption, SizeOption
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json

SHOWN = (
    ("psnr_db", "PSNR", ".2f"),
    ("ssim", "SSIM", ".4f"),
    ("lpips_alex", "LPIPS", ".4f"),
    ("csim", "CSIM", ".4f"),
    ("aucon", "AUCON", ".4f"),
    ("prmse_deg", "PRMSE", ".2f"),
    ("payload_kbps", "kbps", ".2f"),
)
VGG_EVERY = 16
"""The slowest metric is no column of the table."""


def ablation(
    clip: ClipArgument,
    output: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder to write.", show_default=False),
    ],
    test: Annotated[
        str,
        typer.Option("--test", metavar="A:B", help="Frames to compare.", show_default=False),
    ],
    frames: FramesOption = ":",
    size: SizeOption = 256,
    steps: Annotated[int, typer.Option("--steps", min=60, help="Steps of each training.")] = 800,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only this one; repeat for another."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of all randomness.")] = 0,
    device: DeviceOption = DeviceName.AUTO,
) -> None:
    """Measure what each part of the method is worth: train without it, and compare.

    The clip is tracked once. Each part's training takes the same number of steps; its speaker
    file and its figures, with the closed loop and without, go to the folder, from which a
    second run takes what is there. `nerfcall report --ablation NAME=FILE` shows the figures, too.
    """
    from client.commands.evaluation import as_json
    from client.enrolled import cache_root
    from models.clip import parse_frames
    from models.enrolment.ablation import ABLATIONS, train_without
    from models.evaluation.evaluate import evaluate
    from models.evaluation.recording import ClipPart
    from models.face.dataset import TrackedDataset, load_dataset, save_dataset
    from models.face.track_clip import track_clip
    from models.portrait.closed_loop.opening import Loop
    from models.portrait.speaker import load_speaker

    names = [part.name for part in ABLATIONS]
    for name in only or []:
        if name not in names:
            raise typer.BadParameter(f"expected one of {', '.join(names)}, got {name!r}")
    part = ClipPart.of(clip, parse_frames(test))
    output.mkdir(parents=True, exist_ok=True)
    tracked = output / f"{clip.stem}.dataset"
    dataset: TrackedDataset
    rows: dict[str, list[list[str]]] = {Loop.EVERY.value: [], Loop.OPEN.value: []}
    with ProgressBar() as bar:
        if tracked.is_file():
            dataset = load_dataset(tracked)
        else:
            dataset = track_clip(
                clip, parse_frames(frames), size, person_masks=True, progress=bar.frames
            )
            save_dataset(dataset, tracked)
        for left_out in ABLATIONS:
            if only and left_out.name not in only:
                continue
            speaker_file = output / f"{left_out.name}.speaker"
            if not speaker_file.is_file():
                train_without(
                    dataset,
                    left_out,
                    speaker_file,
                    steps,
                    device,
                    seed,
                    lambda progress, name=left_out.name: bar.frames(name, progress.step, steps),  # type: ignore[misc]
                )
            speaker = load_speaker(speaker_file)
            for loop in (Loop.EVERY, Loop.OPEN):
                file = output / f"{left_out.name}-{loop}.json"
                if not file.is_file():
                    measured = evaluate(
                        part,
                        speaker,
                        cache_root(),
                        size,
                        device=device,
                        vgg_every=VGG_EVERY,
                        progress=bar.frames,
                        loop=loop,
                    )
                    about = {"left_out": left_out.says, "steps": steps, "seed": seed}
                    write_json(file, about | {"loop": loop.value, **as_json(measured)})
                figures = json.loads(file.read_text())
                values = [_written(figures.get(key), form) for key, _, form in SHOWN]
                rows[loop.value].append([left_out.says, *values])
    columns = ("", *(title for _, title, _ in SHOWN))
    for loop, title in ((Loop.EVERY, "closed loop"), (Loop.OPEN, "open loop")):
        print_table(
            f"{clip.name}, frames {test}, {steps} steps, {title}", columns, rows[loop.value]
        )


def _written(value: object, form: str) -> str:
    return f"{value:{form}}" if isinstance(value, int | float) else "-"
