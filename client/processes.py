"""Commands of ours as child processes: started, watched, and never left behind."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from client.errors import ChildError

STOP_S = 8.0
"""How long a child may take to end in order after it was asked to."""
POLL_S = 0.05
PR_SET_PDEATHSIG = 1
"""From linux/prctl.h; see prctl(2)."""


def command(*arguments: str) -> list[str]:
    """Returns the command line of a nerfcall command in this very environment."""
    return [sys.executable, "-m", "client.cli", *arguments]


def _end_with_parent() -> None:
    """Runs in a new child: asks the system to end it even if its parent is killed outright."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Children:
    """Owns child processes: leaving the context ends them all, by their ids.

    What they say on standard error is kept, to be quoted if one dies.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nerfcall-")
        self._children: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self, name: str, arguments: Sequence[str], inside: Sequence[str] = ()) -> IO[str]:
        """Starts `nerfcall ARGUMENTS…` under a name, in place of one that has ended.

        Args:
            name: of the child, for messages.
            arguments: the command and its options.
            inside: what to put before it, such as `ip netns exec NAME`.

        Returns:
            Its standard output.
        """
        with self._log(name).open("w") as errors:
            child = subprocess.Popen(
                [*inside, *command(*arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=_end_with_parent,
            )
        self._reap(name)
        self._children[name] = child
        assert child.stdout is not None, "it was asked for"
        return child.stdout

    def pid(self, name: str) -> int:
        """The process id of a child."""
        return self._children[name].pid

    def end(self, name: str) -> None:
        """Asks one of them to end, and kills it if it does not."""
        child = self._children[name]
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
        self._reap(name)

    def check(self) -> None:
        """Looks whether all of them are alive.

        Raises:
            ChildError: one has ended; the message quotes its last words.
        """
        for name, child in self._children.items():
            if child.poll() is not None:
                lines = self._log(name).read_text(errors="replace").strip().splitlines()
                said = lines[-1] if lines else "it said nothing"
                raise ChildError(f"the {name} ended with status {child.returncode}: {said}")

    def stop(self) -> None:
        """Asks all of them to end, waits, and kills those that do not."""
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_S
        for child in self._children.values():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            assert child.stdout is not None
            child.stdout.close()
        self._children.clear()

    def _reap(self, name: str) -> None:
        """Forgets a child that has ended."""
        before = self._children.pop(name, None)
        if before is not None:
            before.wait()
            assert before.stdout is not None
            before.stdout.close()

    def _log(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.log"
