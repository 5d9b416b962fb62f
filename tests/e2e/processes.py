"""Commands as processes, as a person starts them, and what became of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

ROOT = Path(__file__).parent.parent.parent
T = TypeVar("T")
NERFCALL = Path(sys.executable).parent / "nerfcall"


def environment(cache: Path) -> dict[str, str]:
    """Ours, with a cache of the test's own; only compiled kernels are kept from test to test."""
    caches = {"XDG_CACHE_HOME": str(cache), "WARP_CACHE_PATH": str(ROOT / ".cache" / "warp")}
    return {**os.environ, **caches, "COLUMNS": "100", "NO_COLOR": "1"}


def run(*arguments: str | Path, cache: Path, timeout_s: float = 60.0) -> tuple[int, str, str]:
    """Runs a command to its end; returns its status, output and errors."""
    done = subprocess.run(
        [NERFCALL, *map(str, arguments)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment(cache),
        timeout=timeout_s,
    )
    return done.returncode, done.stdout, done.stderr


class Process:
    """A command that runs until it is told to stop; its output goes to files.

    Attributes:
        started_s: when, by the monotonic clock.
    """

    def __init__(self, folder: Path, name: str, *arguments: str | Path) -> None:
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        self.started_s = time.monotonic()
        with self._out.open("w") as out, self._err.open("w") as err:
            self._child = subprocess.Popen(
                [NERFCALL, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment(folder),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def status(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._child.poll()

    @property
    def output(self) -> str:
        return self._out.read_text()

    @property
    def errors(self) -> str:
        return self._err.read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 20.0) -> int:
        """Asks it to end, and returns its exit status."""
        self._child.send_signal(number)
        return self._child.wait(timeout_s)

    def kill(self) -> None:
        """Ends it without any warning."""
        self._child.kill()
        self._child.wait()

    def wait_for_line(self, start: str, timeout_s: float = 60.0) -> str:
        """Returns the rest of the first line of output that begins so."""

        def found() -> list[str]:
            assert self.status is None, f"it ended with {self.status}: {self.errors}"
            return [line for line in self.output.splitlines() if line.startswith(start)]

        return wait_until(found, f"a line {start!r}", timeout_s)[0].removeprefix(start)


def wait_until(condition: Callable[[], T], what: str, timeout_s: float = 20.0) -> T:
    """Waits until a condition is true, and returns what it returned."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError(f"expected {what} within {timeout_s:g} s, got none")


def is_alive(pid: int) -> bool:
    """Whether a process runs: there, and no zombie."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def children_of(pid: int) -> dict[str, int]:
    """The process ids of a process's children by the nerfcall command that they run."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        if "client.cli" in words:
            found[words[words.index("client.cli") + 1]] = int(child)
    return found
