"""How a long job tells a person where it stands."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

LINE_INTERVAL_S = 10.0


class ProgressBar:
    """A bar with the time that is left, or now and then a line where there is no terminal.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_s = clock()
        self._line_due_s = self._started_s + LINE_INTERVAL_S
        console = Console(stderr=True)
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[left]}"),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task("", total=1.0, left="")

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def frames(self, what: str, done: int, total: int) -> None:
        """Shows that `done` of `total` frames are done."""
        self.share(f"{what} {done}/{total}", done / max(1, total))

    def share(self, what: str, share: float, remaining_s: float | None = None) -> None:
        """Shows a share of the whole.

        Args:
            what: is being done.
            share: 0..1 of it that is done.
            remaining_s: how long it will still take; None to extrapolate.
        """
        now_s = self._clock()
        share = min(max(share, 0.0), 1.0)
        if remaining_s is None and share > 0.0:
            remaining_s = (now_s - self._started_s) * (1.0 - share) / share
        left = "" if remaining_s is None else f"{_duration(remaining_s)} left"
        if self._bar is not None:
            self._bar.update(self._task, description=what, completed=share, left=left)
        elif now_s >= self._line_due_s:
            self._line_due_s = now_s + LINE_INTERVAL_S
            print(f"{what}: {share:.0%}, {left}", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02d}"
