"""`nerfcall hdtf`: what it tells, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from client import cli
from tests.models.evaluation.hdtf.layout import write_lists, write_video


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    root = write_lists(tmp_path / "hdtf")
    write_video(tmp_path / "videos" / "Radio1.mp4")
    return ["hdtf", str(root), "--videos", str(tmp_path / "videos"), "-o", str(tmp_path / "out")]


def test_it_tells_what_to_do_next(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*arguments, "--size", "64", "--part", "RD"]) == 0
    out, err = capsys.readouterr()
    made = tmp_path / "out"
    assert out.splitlines() == [
        f"{made}: 2 clips, 0 of them cut before",
        f"enrol:    sh {made}/enroll.sh",
        f"compare:  nerfcall report {made}/experiment.toml --out {made}/report",
    ]
    assert err == f"left out: 1 × no times in the lists; see {made}/left_out.txt\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--part", "WRA"], "WRA_annotion_time.txt: expected a list of HDTF"),
        (["--train-share", "80"], "expected a share between 0 and 1, got 80.0"),
        (["--only", "Nobody"], "expected a name in HDTF's lists, got 'Nobody'"),
        (["--part", "WDA"], "expected at least one clip, got none: 2 × video not found"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    options: list[str], message: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*arguments, *options]) == 1
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert err.startswith("nerfcall hdtf: ") and message in err
