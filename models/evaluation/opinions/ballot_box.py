"""Votes on disk: a line of JSON each, appended and synced before the voter is thanked.

Blocking; callers keep it off the event loop.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from models.errors import StudyError, VoteError
from models.evaluation.opinions.study import Study
from models.evaluation.opinions.vote import Vote, parse_line


class BallotBox:
    """Takes the votes of one study. A context manager; no other process can open it meanwhile.

    Args:
        path: of the file; made if missing.
        study: whose votes these are.

    Raises:
        StudyError: it cannot be written, is open elsewhere, or holds something else.
    """

    def __init__(self, path: Path, study: Study) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise StudyError(f"expected to write votes, got {error}") from error
        try:
            self._lock(path)
            self._drop_torn_line(path)
            _sync_folder(path.parent)
            self._votes = _latest(_read(path, study))
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def cast(self, vote: Vote) -> None:
        """Takes a vote; it replaces the participant's earlier one on that pair.

        When this returns, the vote outlives a crash of the process and of the machine.

        Raises:
            StudyError: it cannot be written; then it does not count.
        """
        data = f"{vote.line()}\n".encode()
        end = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, data)
            if written < len(data):
                raise OSError(f"{written} of {len(data)} bytes written")
            os.fsync(self._file)
        except OSError as error:
            # What was refused must not count after a restart.
            with suppress(OSError):
                os.ftruncate(self._file, end)
            raise StudyError(f"expected to write a vote, got {error}") from error
        self._votes[vote.participant, vote.pair] = vote

    def of(self, participant: str) -> Mapping[str, Vote]:
        """Returns a participant's votes by pair."""
        # Copied in one step: another thread may be casting a vote.
        every = tuple(self._votes.values())
        return {vote.pair: vote for vote in every if vote.participant == participant}

    def _lock(self, path: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StudyError(
                f"{path}: expected votes that nobody else takes, got a study that is served already"
            ) from None

    def _drop_torn_line(self, path: Path) -> None:
        """Cuts off what a crash left half written: nobody was thanked for it."""
        data = path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.ftruncate(self._file, whole)


def _sync_folder(folder: Path) -> None:
    """Makes sure that a file which is new is found again."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def read_votes(path: Path, study: Study) -> list[Vote]:
    """Returns the votes that count: each participant's last one on each pair.

    Raises:
        StudyError: the file holds something else, or votes of another study.
    """
    return list(_latest(_read(path, study)).values()) if path.exists() else []


def _read(path: Path, study: Study) -> Iterable[Vote]:
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise StudyError(f"expected votes, got {error}") from error
    pairs = {pair.id: {pair.first, pair.second} for pair in study.pairs}
    for number, line in enumerate(lines[:-1], 1):  # what follows the last newline is torn
        try:
            vote = parse_line(line.decode())
        except (VoteError, UnicodeDecodeError) as error:
            raise StudyError(f"{path}, line {number}: {error}") from error
        if pairs.get(vote.pair) != set(vote.shown):
            raise StudyError(
                f"{path}, line {number}: expected a vote of this study, got one on another pair"
            )
        yield vote


def _latest(votes: Iterable[Vote]) -> dict[tuple[str, str], Vote]:
    return {(vote.participant, vote.pair): vote for vote in votes}
