"""Finding videos by the names that people give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import DatasetError
from models.evaluation.hdtf.lists import ListedClip, Part, Window
from models.evaluation.hdtf.sources import VideoFolder

URL = "https://www.youtube.com/watch?v=-AbCdEfGhI0&t=6s"
CLIP = ListedClip(Part.WDA, "JaneDoe", 0, 0, 1000, Window(0, 0, 9), 90, URL)


def touch(folder: Path, *names: str) -> VideoFolder:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return VideoFolder(folder)


@pytest.mark.parametrize(
    "name",
    [
        "JaneDoe.mp4",
        "deep/down/JaneDoe.webm",
        "WDA_JaneDoe.MKV",
        "-AbCdEfGhI0.mp4",
        "A speech [-AbCdEfGhI0].mkv",
        "A speech--AbCdEfGhI0.mp4",
    ],
)
def test_names_that_are_found(name: str, tmp_path: Path) -> None:
    assert touch(tmp_path, name, "Else.mp4").find(CLIP) == tmp_path / name


@pytest.mark.parametrize(
    "name",
    [
        "JaneDoe1.mp4",
        "RD_JaneDoe.mp4",
        "JaneDoe.txt",
        "JaneDoe.mp4.part",
        "JaneDoe.f137.mp4",
        "x-AbCdEfGhI0.mp4",
    ],
)
def test_names_that_are_another_video_or_half_of_one(name: str, tmp_path: Path) -> None:
    assert touch(tmp_path, name).find(CLIP) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("z/WDA_JaneDoe.mp4", "WDA/JaneDoe.mp4"),
        ("WDA/JaneDoe.mp4", "JaneDoe.mp4"),
        ("z/JaneDoe.mp4", "-AbCdEfGhI0.mp4"),
        ("JaneDoe.mp4", "JaneDoe.webm"),
    ],
)
def test_the_name_that_says_most_comes_first(first: str, second: str, tmp_path: Path) -> None:
    assert touch(tmp_path, second, first).find(CLIP) == tmp_path / first


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected a folder of videos, got .*missing"):
        VideoFolder(tmp_path / "missing")
