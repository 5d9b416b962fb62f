"""HDTF's lists, as they are described and as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import DatasetError
from models.evaluation.hdtf.lists import Lack, ListedClip, Part, Window, parse_range, read_lists
from tests.models.evaluation.hdtf.layout import LISTS, write_lists


def test_a_clip_is_put_together_from_four_lists(tmp_path: Path) -> None:
    clips = read_lists(write_lists(tmp_path)).clips
    assert [clip.name for clip in clips] == [
        "RD_Radio1_000",
        "RD_Radio1_001",
        "WDA_JaneDoe0_000",
        "WDA_JohnDoe_000",
    ]
    url = "https://www.youtube.com/watch?v=AAAAAAAAAA1&t=6s"
    assert clips[1] == ListedClip(
        Part.RD, "Radio1", 1, 4000, 5000, Window(x=80, y=0, side=64), 90, url
    )


def test_the_folder_of_the_lists_will_do(tmp_path: Path) -> None:
    write_lists(tmp_path)
    assert read_lists(tmp_path / "HDTF_dataset") == read_lists(tmp_path)


def test_parts_can_be_chosen(tmp_path: Path) -> None:
    clips = read_lists(write_lists(tmp_path), [Part.WDA]).clips
    assert {clip.part for clip in clips} == {Part.WDA}


@pytest.mark.parametrize(
    "quirk",
    [
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", " \n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\n" + text.replace("\n", "\n\n"),
        lambda text: text.replace(" ", "\t"),
        lambda text: "\ufeff" + text,
        lambda text: "\n".join(reversed(text.splitlines())),
    ],
    ids=["no last line break", "blanks", "CRLF", "empty lines", "tabs", "BOM", "other order"],
)
def test_lists_are_read_whatever_their_blanks_and_order(quirk, tmp_path: Path) -> None:
    plain = read_lists(write_lists(tmp_path / "plain"))
    quirky = read_lists(write_lists(tmp_path / "quirky", {n: quirk(t) for n, t in LISTS.items()}))
    assert sorted(quirky.clips, key=lambda clip: clip.name) == list(plain.clips)


def test_what_the_lists_leave_open_is_named_and_left_out(tmp_path: Path) -> None:
    changes = {
        "WDA_annotion_time.txt": "JaneDoe0.mp4 00:00-00:02 00:01-00:09\nJohnDoe.mp4 00:05-00:55",
        "WDA_resolution.txt": "JohnDoe.mp4 0\nJaneDoe0.mp4 90\n",
    }
    lists = read_lists(write_lists(tmp_path, changes))
    assert "WDA_JaneDoe0_000" in [clip.name for clip in lists.clips]
    assert {gap.name: gap.lack for gap in lists.gaps} == {
        "RD_Radio24": Lack.NO_TIMES,
        "WDA_JaneDoe0_001": Lack.NO_WINDOW,
        "WDA_JohnDoe_000": Lack.NO_RESOLUTION,
    }


def test_the_first_releases_had_no_resolutions(tmp_path: Path) -> None:
    lists = read_lists(write_lists(tmp_path, {"RD_resolution.txt": None}), [Part.RD])
    assert [clip.height_px for clip in lists.clips] == [None, None]


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("00:30-01:00", (30_000, 60_000)),
        ("10:00-14:55", (600_000, 895_000)),
        ("1:02:03-1:02:04.5", (3_723_000, 3_724_500)),
        ("00:30–01:00", (30_000, 60_000)),
    ],
)
def test_times(text: str, expected_ms: tuple[int, int]) -> None:
    assert parse_range(text, "times.txt:1") == expected_ms


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "RD_annotion_time.txt",
            "Radio1.mp4 00:01",
            r":1: expected times mm:ss-mm:ss, got '00:01'",
        ),
        ("RD_annotion_time.txt", "\nRadio1.mp4", ":2: expected times mm:ss-mm:ss, got none"),
        (
            "RD_annotion_time.txt",
            "Radio1 00:70-02:00",
            ":1: expected times mm:ss-mm:ss, got '00:70",
        ),
        ("RD_annotion_time.txt", "Radio1 02:00-01:00", ":1: expected a clip's end after its begin"),
        (
            "RD_annotion_time.txt",
            "../x 00:01-00:02",
            ":1: expected a name of letters, .* got '../x'",
        ),
        ("RD_crop_wh.txt", "Radio1_0 1 2 3", ":1: expected x width y height, got '1 2 3'"),
        ("RD_crop_wh.txt", "Radio1_0 1 20 3 30", ":1: expected a square window .* got '1 20 3 30'"),
        ("RD_crop_wh.txt", "Radio1_0 -1 20 3 20", ":1: expected a square window"),
        (
            "RD_crop_wh.txt",
            "A_0 1 2 3 2\nA_0.mp4 1 2 3 2",
            ":2: expected one line for A_0, got .*:1",
        ),
        ("RD_resolution.txt", "Radio1.mp4 high", ":1: expected a height in pixels, got 'high'"),
        ("RD_crop_wh.txt", None, ": expected a list of HDTF, got .*No such file"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(
    name: str, text: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=rf"{name}{message}"):
        read_lists(write_lists(tmp_path, {name: text}))


def test_a_folder_without_lists(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"expected HDTF's lists, such as RD_annotion_time\.txt"):
        read_lists(tmp_path)
