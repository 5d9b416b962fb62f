"""`bench network`: how calls fare on bad links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.commands.bench_subject import (
    BenchClipOption,
    BenchFramesOption,
    BenchSpeakerOption,
    subject,
    tracked_frames,
)
from client.commands.options import JsonOption
from client.commands.progress import ProgressBar
from client.commands.tables import print_table, write_json

if TYPE_CHECKING:
    from client.emulation.call import Script
    from client.emulation.scenarios import Fared
    from models.evaluation.recording import CodedFrame


def network(
    clip: BenchClipOption = None,
    speaker: BenchSpeakerOption = None,
    frames: BenchFramesOption = "0:250",
    seconds: Annotated[
        float, typer.Option("--seconds", min=1.0, metavar="S", help="Length of each call.")
    ] = 60.0,
    sound: Annotated[
        bool, typer.Option("--sound/--mute", help="With what the clip lets hear, if anything.")
    ] = True,
    everything: Annotated[
        bool, typer.Option("--all", help="Every combination instead of one change at a time.")
    ] = False,
    json_file: JsonOption = None,
) -> None:
    """Let calls happen on links that lose, delay, shuffle and choke packets, and see how they fare.

    What is sent is tracked in the clip; encoder, packets, jitter buffer and decoder are those of
    a real call; link and clocks are emulated, so that a run repeats exactly. Added delay is from
    capture to screen, beyond the median of a link that has the same round trip and no fault.
    """
    from client.emulation.scenarios import all_links, fare, links_by_one

    part, who = subject(clip, speaker, frames)
    links = all_links() if everything else links_by_one()
    with ProgressBar() as bar:
        coded = tracked_frames(part, who, bar)
        script = _script(coded, float(part.fps), part.path if sound else None)
        rows = []
        for done, row in enumerate(fare(who.id, who.signal, script, links, seconds), 1):
            rows.append(row)
            bar.frames("calling", done, len(links))
    columns = (
        "in time",
        "added p50",
        "p95",
        "p99",
        "freeze p90",
        "longest",
        "sound",
        "skew p95",
        "kbps",
        "back",
        "queue p95",
    )
    what = "portrait and sound" if script.sound else "portrait"
    print_table(f"Network, {what}, {seconds:g} s, ms", ("link", *columns), list(_cells(rows)))
    write_json(json_file, {"rows": [asdict(row) for row in rows]})


def _script(coded: Sequence[CodedFrame], fps: float, sound: Path | None) -> Script:
    """What is shown and said: tracked frames, and a clip's sound if it has any."""
    from client.emulation.call import Script
    from client.sound.source import has_sound

    states = [frame.state for frame in coded if frame.state is not None]
    sensitivities = [frame.sensitivity for frame in coded]
    opus = _opus(sound) if sound is not None and has_sound(sound) else []
    return Script(states, sensitivities, fps, opus)


def _opus(clip: Path) -> list[bytes | None]:
    """A clip's sound as a sender sends it, frame by frame; None where it leaves out silence."""
    import numpy as np

    from client.sound.opus import FRAME_SAMPLES
    from client.sound.sending import SoundEncoder, encoded
    from client.sound.source import SoundFrame, read_sound

    samples = np.concatenate(list(read_sound(clip)))
    starts = range(0, len(samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    frames = (SoundFrame(samples[start : start + FRAME_SAMPLES], start) for start in starts)
    sent = {frame.timestamp: frame.data for frame in encoded(frames, SoundEncoder())}
    return [sent.get(start) for start in starts]


def _cells(rows: Sequence[Fared]) -> Iterator[list[str]]:
    """A line of the table for each link."""
    for row in rows:
        seen = row.outcome
        yield [
            row.link.name,
            f"{seen.frames_in_time:.1%}",
            *(f"{ms:.0f}" for ms in (row.added_p50_ms, row.added_p95_ms, row.added_p99_ms)),
            *(f"{ms:.0f}" for ms in (seen.freeze_p90_ms, seen.longest_freeze_ms)),
            "" if seen.sound_in_time is None else f"{seen.sound_in_time:.1%}",
            "" if seen.av_skew_p95_ms is None else f"{seen.av_skew_p95_ms:.0f}",
            f"{seen.wire_kbps:.2f}",
            f"{seen.wire_back_kbps:.2f}",
            "" if seen.waited_p95_ms is None else f"{seen.waited_p95_ms:.0f}",
        ]
