"""`nerfcall report`: what is wrong with its options is said before minutes of work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client import cli


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """Names files that are there, but hold nothing."""
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a.speaker").touch()
    path = tmp_path / "experiment.toml"
    path.write_text('[[clip]]\npath = "a.mp4"\nspeaker = "a.speaker"\nframes = "0:9"\n')
    return path


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--sizes", "128,big"], 2, "expected numbers between commas, got '128,big'"),
        (["--sizes", "128,255"], 1, "expected even sizes of at least 64"),
        (["--sizes", "128.5"], 2, "expected whole numbers between commas, got '128.5'"),
        (["--rates", ""], 2, "expected numbers between commas, got ''"),
        (["--sizes", "inf"], 2, "expected whole numbers between commas, got 'inf'"),
        (["--rates", "0"], 1, "expected rates above zero"),
        (["--rates", "nan"], 1, "expected rates above zero"),
        (["--ablation", "whole"], 2, "expected NAME=FILE, got 'whole'"),
        (["--ablation", "whole=missing.json"], 1, "missing.json: expected figures in JSON"),
    ],
)
def test_options_that_cannot_be_meant(
    options: list[str],
    status: int,
    message: str,
    experiment: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["report", str(experiment), "--out", str(tmp_path / "out"), *options]) == status
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert err.startswith("nerfcall report: ") and message in err
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file(
    experiment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").touch()
    assert cli.run(["report", str(experiment), "--out", str(tmp_path / "out")]) == 1
    assert "expected a place to write" in capsys.readouterr().err


def test_a_speaker_file_that_is_none_is_found_out_first(
    experiment: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["report", str(experiment), "--out", str(tmp_path / "out")]) == 1
    err = capsys.readouterr().err
    assert "a.speaker" in err and "a.mp4" not in err


def test_an_experiment_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps({"clip": []}))
    assert cli.run(["report", str(path), "--out", str(tmp_path / "out")]) == 1
    assert "experiment.json: expected a TOML file of clips" in capsys.readouterr().err
