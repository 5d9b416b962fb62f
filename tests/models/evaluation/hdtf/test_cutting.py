"""Clips are the right frames of the right place of their video."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from models.clip import read_clip
from models.errors import DatasetError
from models.evaluation.hdtf.cutting import CutClip, cut_video, kept_clip, place_window
from models.evaluation.hdtf.lists import Lack, ListedClip, Part, Window
from models.evaluation.metrics import psnr_db
from models.face.crop import PortraitCrop
from tests.models.evaluation.hdtf.layout import FPS, HEIGHT, WIDTH, telling_frame, write_video

SIDE = 64
CLIP = ListedClip(Part.RD, "Radio1", 0, 1000, 3000, Window(x=40, y=10, side=60), HEIGHT, None)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds, 160x90, 10 frames a second."""
    return write_video(tmp_path_factory.mktemp("videos") / "Radio1.mp4")


def cut(video: Path, folder: Path, *clips: ListedClip) -> list[CutClip]:
    made, gaps = cut_video(video, clips, folder, SIDE)
    assert gaps == []
    return made


def test_a_clip_is_its_frames_and_its_window(video: Path, tmp_path: Path) -> None:
    (made,) = cut(video, tmp_path, CLIP)
    assert made == CutClip("RD_Radio1_000", tmp_path / "RD_Radio1_000.mp4", 20, Fraction(FPS))
    frames = list(read_clip(made.path))
    assert [frame.pts_ms for frame in frames] == list(range(0, 2000, 100))
    crop = PortraitCrop(40, 10, 60, WIDTH, HEIGHT)
    for number, frame in enumerate(frames, 10):
        expected = crop.extract(telling_frame(number), SIDE)
        assert psnr_db(frame.rgb, expected) > 38  # the tests' own videos are not lossless


def test_cutting_loses_nothing_that_is_seen(tmp_path: Path, real_clip: Path) -> None:
    whole = Window(0, 0, 288)
    clip = replace(CLIP, start_ms=0, end_ms=500, window=whole, height_px=288)
    made, gaps = cut_video(real_clip, [clip], tmp_path, 288)
    assert gaps == []
    originals = read_clip(real_clip, slice(0, 12))
    for original, frame in zip(originals, read_clip(made[0].path), strict=True):
        assert psnr_db(frame.rgb, original.rgb[:, :288]) > 45


def test_another_resolution_moves_the_window_with_it(video: Path, tmp_path: Path) -> None:
    listed_at_half = replace(CLIP, window=Window(x=20, y=5, side=30), height_px=HEIGHT // 2)
    (made,) = cut(video, tmp_path, listed_at_half)
    (again,) = cut(video, tmp_path / "again", CLIP)
    for one, other in zip(read_clip(made.path), read_clip(again.path), strict=True):
        assert np.array_equal(one.rgb, other.rgb)


@pytest.mark.parametrize(
    ("window", "height_px", "expected"),
    [
        (Window(774, 0, 506), 720, (774, 0, 506)),
        (Window(774, 0, 507), 720, (773, 0, 507)),  # a pixel over the edge: moved
        (Window(300, 0, 722), 720, (300, 0, 720)),  # larger than the picture: shrunk
        (Window(600, 90, 900), 1080, (400, 60, 600)),
        (Window(100, 20, 300), None, (100, 20, 300)),
    ],
)
def test_windows_in_a_video_of_1280x720(
    window: Window, height_px: int | None, expected: tuple[int, int, int]
) -> None:
    placed = place_window(replace(CLIP, window=window, height_px=height_px), 1280, 720)
    assert (placed.x, placed.y, placed.side) == expected


def test_the_window_that_is_larger_than_its_video() -> None:
    # WDA/MazieHirono1_0 is listed so.
    clip = replace(CLIP, window=Window(83, 0, 1134), height_px=720)
    with pytest.raises(DatasetError, match="got one that reaches 414 px beyond 1280x720"):
        place_window(clip, 1280, 720)


def test_one_pass_cuts_clips_that_overlap(video: Path, tmp_path: Path) -> None:
    late = replace(CLIP, index=1, start_ms=2000, end_ms=6000)
    first, second = cut(video, tmp_path, CLIP, late)
    assert (first.frames, second.frames) == (20, 40)
    shared = zip(
        read_clip(first.path, slice(10, 20)), read_clip(second.path, slice(0, 10)), strict=True
    )
    assert all(psnr_db(a.rgb, b.rgb) > 38 for a, b in shared)


def test_one_clip_that_cannot_be_had_leaves_the_others(video: Path, tmp_path: Path) -> None:
    too_late = replace(CLIP, index=1, end_ms=9000)
    too_large = replace(CLIP, index=2, window=Window(0, 0, 200))
    made, gaps = cut_video(video, [CLIP, too_late, too_large], tmp_path, SIDE)
    assert [clip.name for clip in made] == ["RD_Radio1_000"]
    assert [(gap.name, gap.lack) for gap in gaps] == [
        ("RD_Radio1_001", Lack.UNUSABLE),
        ("RD_Radio1_002", Lack.UNUSABLE),
    ]
    assert "expected pictures until 9 s, got them until 5.9 s" in gaps[0].detail
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "RD_Radio1_000.json",
        "RD_Radio1_000.mp4",
    ]


def test_times_are_whole_seconds_so_half_a_second_may_be_missing(
    video: Path, tmp_path: Path
) -> None:
    (made,) = cut(video, tmp_path, replace(CLIP, start_ms=4000, end_ms=6500))
    assert made.frames == 20


def test_clips_before_the_damage_are_kept(video: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.mp4"
    data = video.read_bytes()
    damaged.write_bytes(data[: len(data) * 4 // 5])
    late = replace(CLIP, index=1, start_ms=3000, end_ms=6000)
    made, gaps = cut_video(damaged, [CLIP, late], tmp_path, SIDE)
    assert [clip.frames for clip in made] == [20]
    assert [gap.name for gap in gaps] == ["RD_Radio1_001"]
    assert "expected intact video" in gaps[0].detail


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "page.mp4"
    path.write_text("<html>not available</html>")
    made, gaps = cut_video(path, [CLIP], tmp_path, SIDE)
    assert made == [] and "expected a video, got a file that is none" in gaps[0].detail


def test_what_was_cut_is_known_again_until_something_changes(video: Path, tmp_path: Path) -> None:
    assert kept_clip(CLIP, video, tmp_path, SIDE) is None
    (made,) = cut(video, tmp_path, CLIP)
    assert kept_clip(CLIP, video, tmp_path, SIDE) == made
    assert kept_clip(CLIP, video, tmp_path, 2 * SIDE) is None
    assert kept_clip(replace(CLIP, end_ms=4000), video, tmp_path, SIDE) is None
    assert kept_clip(replace(CLIP, window=Window(0, 0, 60)), video, tmp_path, SIDE) is None
    made.path.unlink()
    assert kept_clip(CLIP, video, tmp_path, SIDE) is None
