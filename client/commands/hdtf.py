"""The command `hdtf`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from client.commands.progress import ProgressBar


class PartName(StrEnum):
    """The parts of HDTF."""

    RD = "RD"
    WDA = "WDA"
    WRA = "WRA"


def hdtf(
    root: Annotated[
        Path,
        typer.Argument(
            metavar="ROOT",
            help="HDTF's repository, or its folder HDTF_dataset: the lists.",
            show_default=False,
        ),
    ],
    videos: Annotated[
        Path,
        typer.Option(
            "--videos",
            metavar="DIR",
            help="Folder of the videos, named as in the lists or by YouTube's id.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="DIR", help="Folder to write.", show_default=False),
    ],
    part: Annotated[
        list[PartName] | None,
        typer.Option("--part", help="Only this part; repeat for another.", show_default="all"),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="NAME", help="Only this clip or video; repeat for another."),
    ] = None,
    train_share: Annotated[
        float,
        typer.Option(
            "--train-share",
            metavar="X",
            help="Of a clip's frames, from its begin, to enrol from; the rest is compared.",
        ),
    ] = 0.8,
    test_seconds: Annotated[
        float | None,
        typer.Option(
            "--test-seconds",
            metavar="S",
            help="Compare no more of each clip than this.",
            show_default="all of the rest",
        ),
    ] = None,
    size: Annotated[
        int, typer.Option("--size", metavar="N", help="Side of the clips, pixels.")
    ] = 512,
    enrolled: Annotated[
        bool,
        typer.Option("--enrolled", help="Compare only clips whose speaker file is there."),
    ] = False,
) -> None:
    """Make the HDTF data set ready for the paper's experiment: clips, enrolment, comparison.

    Nothing is downloaded. Videos that are not there, and clips that the lists leave undefined,
    are counted and named in left_out.txt. Run again, it goes on. Then: sh DIR/enroll.sh, and
    nerfcall report DIR/experiment.toml. docs/evaluation.md says more.
    """
    from models.evaluation.hdtf.lists import Part
    from models.evaluation.hdtf.preparing import (
        ENROL_SCRIPT,
        EXPERIMENT,
        LEFT_OUT,
        HdtfConfig,
        prepare,
        summary,
    )

    config = HdtfConfig(
        parts=tuple(Part(each) for each in part or []),
        only=tuple(only or []),
        side_px=size,
        train_share=train_share,
        test_seconds=test_seconds,
        enrolled=enrolled,
    )
    with ProgressBar() as bar:
        ready = prepare(root, videos, output, config, bar.share)
    typer.echo(f"{output}: {len(ready.clips)} clips, {ready.kept} of them cut before")
    if ready.gaps:
        typer.echo(f"left out: {summary(ready.gaps)}; see {output / LEFT_OUT}", err=True)
    typer.echo(f"enrol:    sh {output / ENROL_SCRIPT}")
    typer.echo(f"compare:  nerfcall report {output / EXPERIMENT} --out {output / 'report'}")
