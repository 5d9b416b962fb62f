"""`nerfcall opinions`: its figures, its files, and what is wrong said in one line."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from client import cli
from models.evaluation.opinions.ballot_box import BallotBox
from models.evaluation.opinions.study_folder import votes_path
from tests.models.evaluation.opinions.studies import opinions_of, store, study_of

STUDY = study_of(("ann",))


@pytest.fixture(scope="module")
def unheard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study without votes."""
    return store(STUDY, tmp_path_factory.mktemp("unheard") / "study", frames=2)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study on which eight people have voted."""
    folder = store(STUDY, tmp_path_factory.mktemp("heard") / "study", frames=2)
    with BallotBox(votes_path(folder), STUDY) as box:
        for vote in opinions_of(STUDY, 8):
            box.cast(vote)
    return folder


def test_the_result_is_printed_and_written(
    heard: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    files = ("--json", str(tmp_path / "a.json"), "--page", str(tmp_path / "a.html"))
    assert cli.run(["opinions", "result", str(heard), "--screen", *files]) == 0
    out, err = capsys.readouterr()
    document = json.loads((tmp_path / "a.json").read_text())
    mos = document["systems"][1]["mos"]
    line = next(line for line in out.splitlines() if "4.00" in line)
    assert f"{mos['value']:.2f} [{mos['low']:.2f}, {mos['high']:.2f}]" in line
    assert "8 participants, 8 of them judged all of 3 pairs; 24 votes" in out
    assert "t · s / √n" in out and err == ""
    assert (document["participants"], document["left_out"]) == (8, [])
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["result", "STUDY"], 1, "expected votes, got none"),
        (["result", "NOWHERE"], 1, "expected a study of nerfcall opinions"),
        (["serve", "NOWHERE"], 1, "expected a study of nerfcall opinions"),
        (["serve", "STUDY", "--port", "70000"], 2, "less than or equal to 65535"),
        (["prepare", "NOWHERE", "-o", "X"], 1, "expected a TOML file of clips"),
        (["prepare", "NOWHERE", "-o", "X", "--rates", "a"], 2, "numbers between commas, got 'a'"),
        (["prepare", "NOWHERE", "-o", "X", "--size", "255"], 1, "an even size of at least 64"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str],
    status: int,
    message: str,
    unheard: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"STUDY": unheard, "NOWHERE": tmp_path / "nowhere", "X": tmp_path / "x"}
    words = [str(places.get(word, word)) for word in arguments]
    assert cli.run(["opinions", *words]) == status
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert err.startswith(f"nerfcall opinions {arguments[0]}: ") and message in err
    assert not (tmp_path / "x").exists()


def test_a_study_that_is_served_already(unheard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with BallotBox(votes_path(unheard), STUDY):
        assert cli.run(["opinions", "serve", str(unheard), "--port", "0"]) == 1
    assert "a study that is served already" in capsys.readouterr().err


def test_a_port_that_is_taken(unheard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.run(["opinions", "serve", str(unheard), "--port", port]) == 1
    assert f"expected to listen on 127.0.0.1:{port}" in capsys.readouterr().err
