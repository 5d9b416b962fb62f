"""`bench soak`: what grows in a long call, and whether it keeps up."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.bench_subject import BenchClipOption, BenchSpeakerOption, clip_and_speaker
from client.commands.options import JsonOption
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json

if TYPE_CHECKING:
    from client.soak import SoakOutcome

BAR_FPS, NEARLY = 25.0, 0.99
"""A sender's clock and a receiver's differ: now and then a picture is shown for two."""
BAR_INTERVAL_MS = 60.0
BAR_DISPLAY_MS = 80.0
BAR_MEMORY_MB = 1000.0
BAR_START_S = 2.0
RECEIVER = "receiver"
_VERDICT = {True: "reached", False: "missed", None: "not measured"}


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
    onlooker: Annotated[
        bool,
        typer.Option(
            "--onlooker/--page",
            help="Have it watched without a browser, or by whoever opens its page.",
        ),
    ] = True,
    json_file: JsonOption = None,
) -> None:
    """Run a whole call on this machine for long: does it keep up, and what grows?

    Server, sender, receiver and somebody who watches. Pictures are counted where they are
    decoded for being shown; capture to display is what the machine has to do, without the wait
    for frames that share a packet, the network and the jitter buffer. At the end a further
    receiver is started, with the speaker file on its disk. Prints the address of its page:
    whoever opens it is part of what is measured.
    """
    from client.soak import soak as run
    from models.clip import clip_rate

    clip_path, speaker_path = clip_and_speaker(clip, speaker)
    with ProgressBar() as bar:
        outcome = run(
            clip_path,
            speaker_path,
            size,
            seconds,
            onlooker=onlooker,
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
            f"{it.cores:.2f}",
        ]
        for it in outcome.growths
    ]
    columns = ("process", "memory, MB", "growth, MB/h", "files", "threads", "cores")
    print_table(f"Soak, {seconds:g} s, {size}x{size}", columns, cells)
    typer.echo(
        f"{outcome.render_fps:.1f} pictures a second (least {outcome.least_render_fps:.1f}), "
        f"{outcome.frame_interval_p95_ms:.0f} ms between two at the 95th percentile; "
        f"{outcome.frames_received} frames received, {outcome.frames_lost} lost"
    )
    rows = bars(outcome, float(clip_rate(clip_path)))
    print_table(
        "Bars", ("figure", "measured", "bar", ""), [[*row[:3], _VERDICT[row[3]]] for row in rows]
    )
    write_json(json_file, asdict(outcome))


def bars(outcome: SoakOutcome, clip_fps: float) -> list[tuple[str, str, str, bool | None]]:
    """What was measured beside what it should be.

    Args:
        outcome: of a soak.
        clip_fps: of the clip: more pictures than that there cannot be.

    Returns:
        Name, figure, bar, and whether it is reached; None where nothing was measured.
    """
    if outcome.seen_fps is None or outcome.seen_interval_p95_ms is None:
        fps, interval_ms = outcome.render_fps, outcome.frame_interval_p95_ms
    else:
        fps, interval_ms = outcome.seen_fps, outcome.seen_interval_p95_ms
    least_fps = NEARLY * min(BAR_FPS, clip_fps)
    (memory_mb,) = (it.memory_mb for it in outcome.growths if it.part == RECEIVER)
    display_ms = outcome.capture_to_display_ms
    display = "-" if display_ms is None else f"{display_ms:.0f} ms"
    display_reached = None if display_ms is None else display_ms <= BAR_DISPLAY_MS
    return [
        ("pictures a second", f"{fps:.1f}", f"≥ {least_fps:.1f}", fps >= least_fps),
        (
            "interval, 95 %",
            f"{interval_ms:.0f} ms",
            f"≤ {BAR_INTERVAL_MS:.0f} ms",
            interval_ms <= BAR_INTERVAL_MS,
        ),
        ("capture to display", display, f"≤ {BAR_DISPLAY_MS:.0f} ms", display_reached),
        (
            "memory of the receiver",
            f"{memory_mb:.0f} MB",
            f"≤ {BAR_MEMORY_MB:.0f} MB",
            memory_mb <= BAR_MEMORY_MB,
        ),
        (
            "start to first picture",
            f"{outcome.start_s:.2f} s",
            f"≤ {BAR_START_S:.0f} s",
            outcome.start_s <= BAR_START_S,
        ),
    ]
