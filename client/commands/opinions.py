"""The subjective test: `opinions prepare`, `opinions serve`, `opinions result`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from client.commands.options import (
    DeviceName,
    DeviceOption,
    JsonOption,
    SizeOption,
    check_writable,
)
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json

app = typer.Typer(no_args_is_help=True, help="Ask people: a blind comparison, and what came of it.")

ANSWERING_S = 12.0
"""What a pair takes beside watching it once."""

StudyArgument = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY", help="The folder that opinions prepare wrote.", show_default=False
    ),
]


@app.command()
def prepare(
    experiment: Annotated[
        Path,
        typer.Argument(
            metavar="EXPERIMENT",
            help="A TOML file that lists clips, speakers and held-out frames, as for report.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="STUDY", help="Folder to write.", show_default=False
        ),
    ],
    size: SizeOption = 256,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, metavar="S", help="Of each clip at most.")
    ] = 10.0,
    codecs: Annotated[
        str | None,
        typer.Option(
            "--codecs",
            metavar="NAME,…",
            help="Which codecs nerfcall meets.",
            show_default="all classic ones, and those of the experiment",
        ),
    ] = None,
    rates: Annotated[
        str | None,
        typer.Option(
            "--rates",
            metavar="R,R,…",
            help="kbit/s that each codec is also asked for, beside nerfcall's own rate.",
            show_default="none",
        ),
    ] = None,
    every_pair: Annotated[
        bool,
        typer.Option("--every-pair", help="Codecs and source also meet each other; many pairs."),
    ] = False,
    device: DeviceOption = DeviceName.AUTO,
) -> None:
    """Code clips by nerfcall, by classic codecs at its rate, and as they are, for people to judge.

    The videos bear names that tell nothing. Serve the folder with nerfcall opinions serve.
    """
    import secrets

    from models.evaluation.comparison.experiment import load_experiment
    from models.evaluation.opinions.prepare import StudyConfig, choose_codecs, prepare_study

    config = StudyConfig(
        side_px=size,
        seconds=seconds,
        rungs_kbps=() if rates is None else _rates(rates),
        codecs=None if codecs is None else tuple(codecs.split(",")),
        every_pair=every_pair,
        device=device,
    )
    what = load_experiment(experiment)
    for line in choose_codecs(what, config.codecs)[1]:
        typer.echo(f"left out, {line}", err=True)
    with ProgressBar() as bar:
        study = prepare_study(what, config, output, lambda: secrets.token_hex(8), bar.share)
    minutes = len(study.pairs) * (study.duration_s + ANSWERING_S) / 60.0
    typer.echo(
        f"study: {output}, {len(study.stimuli)} videos in {len(study.pairs)} pairs, "
        f"about {max(1, round(minutes))} min for each participant"
    )


@app.command()
def serve(
    study: StudyArgument,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port; 0 takes any free one.")
    ] = 8090,
) -> None:
    """Show the page of a study and take votes, until Ctrl-C.

    Each browser is a participant of its own; /?participant=NAME gives the name instead. Whoever
    leaves goes on where they were.
    """
    import asyncio
    import logging

    from client.opinions.serving import serve_study

    # aiohttp logs a traceback for every request that is no HTTP; it has answered 400 already.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    asyncio.run(serve_study(study, host, port, lambda url: typer.echo(f"opinions: {url}")))


@app.command()
def result(
    study: StudyArgument,
    json_file: JsonOption = None,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FILE", help="Also write tables and chart as HTML."),
    ] = None,
    screened: Annotated[
        bool,
        typer.Option(
            "--screen", help="Leave out participants whose scores do not go along with the others'."
        ),
    ] = False,
) -> None:
    """Compute mean opinion scores and preferences with their 95 % confidence intervals."""
    from models.evaluation.opinions.ballot_box import read_votes
    from models.evaluation.opinions.outcome import evaluate_votes, outcome_document
    from models.evaluation.opinions.result_page import (
        FORMULAS,
        estimate_text,
        percent_text,
        render_outcome,
        voters_text,
    )
    from models.evaluation.opinions.study_folder import load_study, votes_path

    what = load_study(study)
    outcome = evaluate_votes(what, read_votes(votes_path(study), what), screened)
    for path in filter(None, (json_file, page)):
        check_writable(path)
    print_table(
        "Mean opinion scores",
        ("system", "kbit/s", "MOS", "DMOS", "participants"),
        [
            (
                opinion.condition.label,
                "–" if opinion.payload_kbps is None else f"{opinion.payload_kbps:.2f}",
                estimate_text(opinion.mos, 2),
                estimate_text(opinion.dmos, 2),
                "0" if opinion.mos is None else str(opinion.mos.count),
            )
            for opinion in outcome.opinions
        ],
    )
    print_table(
        "Preferences",
        ("nerfcall and", "nerfcall", "no difference", "the other", "votes"),
        [
            (
                shares.other.label,
                *(percent_text(e) for e in (shares.ours, shares.neither, shares.theirs)),
                str(shares.ours.count),
            )
            for shares in outcome.preferences
        ],
    )
    typer.echo(voters_text(outcome))
    for agreement in outcome.left_out or ():
        typer.echo(
            f"left out: {agreement.participant}, r {agreement.by_stimulus:.2f} by video, "
            f"{agreement.by_condition:.2f} by system"
        )
    typer.echo(FORMULAS)
    write_json(json_file, outcome_document(outcome))
    if page is not None:
        page.write_text(render_outcome(outcome), encoding="utf-8")


def _rates(text: str) -> tuple[float, ...]:
    try:
        return tuple(sorted({float(word) for word in text.split(",")}))
    except ValueError as error:
        raise typer.BadParameter(
            f"expected numbers between commas, got {text!r}", param_hint="--rates"
        ) from error
