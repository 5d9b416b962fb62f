"""The file of votes: appended, replaced, and whole after a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import StudyError
from models.evaluation.opinions.ballot_box import BallotBox, read_votes
from tests.models.evaluation.opinions.studies import study_of, vote_of

STUDY = study_of()
FIRST = vote_of(STUDY, "ann", 0, (4, 2))
SECOND = vote_of(STUDY, "ann", 1, (3, 3))
CHANGED = vote_of(STUDY, "ann", 0, (5, 1))
OTHER = vote_of(STUDY, "bob", 0, (2, 2))

KILLED = """
import os, signal
from pathlib import Path
from models.evaluation.opinions.ballot_box import BallotBox
from tests.models.evaluation.opinions.test_ballot_box import STUDY, FIRST
box = BallotBox(Path({path!r}), STUDY)
box.cast(FIRST)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "votes.jsonl"


def test_votes_come_back(path: Path) -> None:
    with BallotBox(path, STUDY) as box:
        for vote in (FIRST, SECOND, OTHER):
            box.cast(vote)
        assert box.of("ann") == {FIRST.pair: FIRST, SECOND.pair: SECOND}
        assert box.of("nobody") == {}
    assert read_votes(path, STUDY) == [FIRST, SECOND, OTHER]
    with BallotBox(path, STUDY) as again:
        assert again.of("bob") == {OTHER.pair: OTHER}


def test_the_last_vote_of_a_participant_on_a_pair_counts(path: Path) -> None:
    with BallotBox(path, STUDY) as box:
        for vote in (FIRST, SECOND, CHANGED):
            box.cast(vote)
        assert box.of("ann")[FIRST.pair] == CHANGED
    assert read_votes(path, STUDY) == [CHANGED, SECOND]
    assert len(path.read_text().splitlines()) == 3  # nothing that was said is lost


def test_a_vote_outlives_a_killed_process(path: Path) -> None:
    script = KILLED.format(path=str(path))
    done = subprocess.run([sys.executable, "-c", script], cwd=Path.cwd(), capture_output=True)
    assert done.returncode < 0, done.stderr
    assert read_votes(path, STUDY) == [FIRST]


def test_a_line_that_a_crash_tore_is_dropped(path: Path) -> None:
    whole = f"{FIRST.line()}\n"
    path.write_text(whole + OTHER.line()[:30])
    assert read_votes(path, STUDY) == [FIRST]
    with BallotBox(path, STUDY) as box:
        box.cast(SECOND)
    assert path.read_text() == f"{whole}{SECOND.line()}\n"


def test_a_vote_that_cannot_be_synced_does_not_count(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError("no space left on device")

    with BallotBox(path, STUDY) as box:
        box.cast(FIRST)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StudyError, match="expected to write a vote, got no space left"):
            box.cast(OTHER)
        assert box.of("bob") == {}
    assert read_votes(path, STUDY) == [FIRST]


def test_what_is_no_vote_is_told_with_its_line(path: Path) -> None:
    path.write_text(f"{FIRST.line()}\nsomething else\n")
    with pytest.raises(StudyError, match="line 2: expected a vote in JSON"):
        read_votes(path, STUDY)
    with pytest.raises(StudyError, match="line 2"):
        BallotBox(path, STUDY)


def test_votes_of_another_study_are_refused(path: Path) -> None:
    other = study_of(("cyd",), every_pair=True)
    path.write_text(f"{vote_of(other, 'ann', 5, (1, 2)).line()}\n")
    with pytest.raises(StudyError, match="expected a vote of this study"):
        read_votes(path, STUDY)


def test_two_servers_cannot_take_the_same_votes(path: Path) -> None:
    with BallotBox(path, STUDY), pytest.raises(StudyError, match="served already"):
        BallotBox(path, STUDY)
    BallotBox(path, STUDY).__exit__(None, None, None)


def test_no_votes_yet(path: Path) -> None:
    assert read_votes(path, STUDY) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="expected to write votes"):
        BallotBox(tmp_path / "missing" / "votes.jsonl", STUDY)
