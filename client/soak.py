"""A long call, watched for what grows: memory, open files, threads; and whether it keeps up.

It is a whole one on this machine: server, sender with its tracker and closed loop, receiver, and
somebody who watches and decodes what is shown (`client.onlooker`), unless a page does.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median

from client.clock import unix_ms
from client.demo import HOST, free_port
from client.errors import EmulationError
from client.measured_call import POLL_S, RECEIVER, ROOM, SENDER, SERVER, MeasuredCall, start_call
from client.onlooker import Onlooker, interval_p95_ms, rate_per_s
from client.processes import Children
from client.stats_file import read_stats

SAMPLE_S = 5.0
WARM_SHARE = 0.25
"""Of the time, in which caches fill and allocators settle; growth is reckoned from then on."""
PROC = Path("/proc")
KB_PER_MB = 1024.0
S_PER_H = 3600.0


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """What a process holds at a time.

    Attributes:
        at_s: since the call was live.
        memory_mb: resident.
        files: open files and sockets.
        threads: of the process.
        cpu_s: that it has used since it began.
    """

    at_s: float
    memory_mb: float
    files: int
    threads: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Growth:
    """How a process grew after it was warm.

    Attributes:
        part: which process.
        memory_mb: in the end.
        slope_mb_per_h: of a straight line through the samples.
        files_before: open files and sockets when it was warm.
        files_after: in the end.
        threads_before: when it was warm.
        threads_after: in the end.
        cores: that it kept busy, after it was warm.
    """

    part: str
    memory_mb: float
    slope_mb_per_h: float
    files_before: int
    files_after: int
    threads_before: int
    threads_after: int
    cores: float


@dataclass(frozen=True, slots=True)
class SoakOutcome:
    """What came of a long call.

    Attributes:
        seconds: how long it was watched.
        growths: of each process.
        render_fps: pictures a second, in the median.
        least_render_fps: in the worst three seconds.
        frame_interval_p95_ms: median of what the receiver told.
        frames_lost: of all frames.
        frames_received: of all frames.
        seen_fps: pictures a second, of the onlooker; None where a page watches.
        seen_interval_p95_ms: between two of them.
        capture_to_state_ms: from the capture of a frame to its numbers, in the median.
        due_to_page_ms: from when a picture is due to when it leaves for its viewer, drawn and
            encoded, in the median; None if nobody watched.
        start_s: from the start of a further receiver, in place of the first, to its first
            picture, with the speaker file on its disk.
    """

    seconds: float
    growths: tuple[Growth, ...]
    render_fps: float
    least_render_fps: float
    frame_interval_p95_ms: float
    frames_lost: int
    frames_received: int
    seen_fps: float | None
    seen_interval_p95_ms: float | None
    capture_to_state_ms: float | None
    due_to_page_ms: float | None
    start_s: float

    @property
    def capture_to_display_ms(self) -> float | None:
        """Capture to display without packets that frames share, network and jitter buffer."""
        if self.capture_to_state_ms is None or self.due_to_page_ms is None:
            return None
        return self.capture_to_state_ms + self.due_to_page_ms


def soak(
    clip: Path,
    speaker: Path,
    size: int,
    seconds: float,
    *,
    onlooker: bool,
    live: Callable[[str], None],
    progress: Callable[[float], None],
) -> SoakOutcome:
    """Runs a call and watches its processes.

    Args:
        clip: what the sender plays, over and over.
        speaker: who is in it.
        size: side of the rendered pictures, pixels.
        seconds: how long, once it is live.
        onlooker: have it watched; otherwise a page should.
        live: told the page's address as soon as it shows something.
        progress: told the seconds that have passed.

    Raises:
        EmulationError: this system does not tell what a process holds.
        NerfcallError: the call does not come about, or breaks.
    """
    if not (PROC / "self" / "status").exists():
        raise EmulationError(f"expected a system with {PROC}, got one without")
    parts = (SERVER, SENDER, RECEIVER)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nerfcall-")))
        children = stack.enter_context(Children())
        call = start_call(
            children,
            folder,
            host=HOST,
            port=free_port(0),
            near=[],
            far=[],
            send=["--clip", str(clip), "--speaker", str(speaker)],
            receive=["--size", str(size)],
        )
        call.wait_until_live()
        live(f"{call.address}/?room={ROOM}")
        watching = stack.enter_context(Onlooker(call.address, ROOM)) if onlooker else None
        started_s = time.monotonic()
        samples: dict[str, list[ProcessSample]] = {part: [] for part in parts}
        while (at_s := time.monotonic() - started_s) < seconds:
            children.check()
            progress(at_s)
            if at_s >= SAMPLE_S * len(samples[SERVER]):
                for part in parts:
                    samples[part].append(sample_process(children.pid(part), at_s))
            time.sleep(POLL_S)
        lines, sent = read_stats(call.received), read_stats(call.sent)
        seen_s = watching.times_since(started_s + WARM_SHARE * seconds) if watching else None
        start_s = _restart(call, size)
    warm = lines[int(WARM_SHARE * len(lines)) :]
    fps = [line["render_fps"] for line in warm]
    return SoakOutcome(
        seconds=seconds,
        growths=tuple(growth(part, samples[part]) for part in parts),
        render_fps=median(fps),
        least_render_fps=min(fps),
        frame_interval_p95_ms=median(line["frame_interval_p95_ms"] for line in warm),
        frames_lost=lines[-1]["frames_lost"],
        frames_received=lines[-1]["frames_received"],
        seen_fps=None if seen_s is None else rate_per_s(seen_s),
        seen_interval_p95_ms=None if seen_s is None else interval_p95_ms(seen_s),
        capture_to_state_ms=sent[-1]["capture_to_state_ms"],
        due_to_page_ms=lines[-1]["due_to_page_ms"],
        start_s=start_s,
    )


def _restart(call: MeasuredCall, size: int) -> float:
    """Ends the receiver and starts another: the seconds to its first picture.

    The speaker file is in the cache of speakers by now, and so are the compiled kernels.
    """
    call.children.end(RECEIVER)
    began_unix_ms = unix_ms()
    call.start_receiver(["--size", str(size)])
    call.wait_until_live()
    while (first_unix_ms := read_stats(call.received)[-1]["first_picture_unix_ms"]) is None:
        call.children.check()
        time.sleep(POLL_S)
    return float(first_unix_ms - began_unix_ms) / 1000.0


def sample_process(pid: int, at_s: float) -> ProcessSample:
    """Reads what a process holds now (proc(5)).

    Args:
        pid: of a process of ours.
        at_s: what time it is, for the sample.
    """
    folder = PROC / str(pid)
    fields = dict(
        line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
    )
    # What follows the name, which may hold anything; user and system time are fields 14 and 15.
    times = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    return ProcessSample(
        at_s,
        int(fields["VmRSS"].split()[0]) / KB_PER_MB,
        sum(1 for _ in (folder / "fd").iterdir()),
        int(fields["Threads"]),
        sum(map(int, times)) / os.sysconf("SC_CLK_TCK"),
    )


def growth(part: str, samples: Sequence[ProcessSample]) -> Growth:
    """How a process grew after it was warm.

    Args:
        part: its name.
        samples: in order, three or more.
    """
    warm = samples[int(WARM_SHARE * len(samples)) :]
    line = linear_regression([it.at_s for it in warm], [it.memory_mb for it in warm])
    return Growth(
        part,
        samples[-1].memory_mb,
        line.slope * S_PER_H,
        warm[0].files,
        warm[-1].files,
        warm[0].threads,
        warm[-1].threads,
        (warm[-1].cpu_s - warm[0].cpu_s) / (warm[-1].at_s - warm[0].at_s),
    )
