"""The command `report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.options import DeviceName, DeviceOption, SizeOption, check_writable
from client.commands.progress import ProgressBar

if TYPE_CHECKING:
    from models.evaluation.comparison.scores import Scores


def report(
    experiment: Annotated[
        Path,
        typer.Argument(
            metavar="EXPERIMENT",
            help="A TOML file that lists clips, speakers and held-out frames.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder to write.", show_default=False),
    ],
    size: SizeOption = 256,
    sizes: Annotated[
        str, typer.Option("--sizes", metavar="N,N,…", help="Sides for the figure by resolution.")
    ] = "128,256,512,1024",
    rates: Annotated[
        str,
        typer.Option(
            "--rates", metavar="R,R,…", help="kbit/s that every codec is asked for, beside ours."
        ),
    ] = "3,6,12,24,48,96,192",
    offline: Annotated[
        bool,
        typer.Option(
            "--offline/--no-offline", help="Also run the classic codecs as for a file; slow."
        ),
    ] = True,
    ablation: Annotated[
        list[str] | None,
        typer.Option(
            "--ablation",
            metavar="NAME=FILE",
            help="A setting of Table 3 and its figures, as evaluate --json writes them; repeat.",
        ),
    ] = None,
    vgg_every: Annotated[
        int,
        typer.Option(
            "--vgg-every",
            min=1,
            metavar="K",
            help="Measure LPIPS by VGG16, the slowest metric, in every K-th frame.",
        ),
    ] = 10,
    device: DeviceOption = DeviceName.AUTO,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Take over the clips that were measured before, if alike."),
    ] = False,
) -> None:
    """Compare with classic codecs: the paper's tables and figures for a set of clips, as a page.

    EXPERIMENT has a [[clip]] table for each clip, with path, speaker, frames ("400:500") and, if
    wanted, a name. A [[codec]] table with name and command adds a codec of your own;
    docs/evaluation.md describes both.
    """
    from client.enrolled import cache_root
    from models.evaluation.comparison.experiment import load_experiment
    from models.evaluation.comparison.report import PAGE, ReportConfig, make_report

    config = ReportConfig(
        main_px=size,
        sides_px=_whole_numbers("--sizes", sizes),
        rungs_kbps=tuple(_numbers("--rates", rates)),
        offline=offline,
        vgg_every=vgg_every,
        device=device,
        resume=resume,
    )
    what = load_experiment(experiment)
    settings = _settings(ablation or [])
    check_writable(output / PAGE)
    with ProgressBar() as bar:
        page = make_report(what, settings, config, output, cache_root(), bar.share)
    typer.echo(f"report: {page}")


def _numbers(option: str, text: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",")]
    except ValueError as error:
        raise typer.BadParameter(
            f"expected numbers between commas, got {text!r}", param_hint=option
        ) from error


def _whole_numbers(option: str, text: str) -> tuple[int, ...]:
    numbers = _numbers(option, text)
    if not all(number.is_integer() for number in numbers):
        raise typer.BadParameter(
            f"expected whole numbers between commas, got {text!r}", param_hint=option
        )
    return tuple(int(number) for number in numbers)


def _settings(ablation: list[str]) -> dict[str, Scores]:
    from models.evaluation.comparison.scores import load_scores

    settings: dict[str, Scores] = {}
    for text in ablation:
        name, separator, file = text.partition("=")
        if not (name and separator and file):
            raise typer.BadParameter(f"expected NAME=FILE, got {text!r}", param_hint="--ablation")
        settings[name] = load_scores(Path(file))
    return settings
