from fractions import Fraction

import av
import numpy as np
import pytest

from models.clip import ClipInfo, parse_frames, probe_clip, read_clip, scan_clip
from models.errors import ClipError
from tests.models.clips import grey_frames, write_clip


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", grey_frames(10))


def level_indices(frames):
    """The frame numbers that the grey levels tell."""
    return [round((float(frame.rgb.mean()) - 40) / 10) for frame in frames]


def test_frames_arrive_in_order_with_number_time_and_picture(clip):
    frames = list(read_clip(clip))
    assert [frame.index for frame in frames] == list(range(10))
    assert [frame.pts_ms for frame in frames] == [40 * i for i in range(10)]
    assert level_indices(frames) == list(range(10))
    assert frames[0].rgb.shape == (48, 64, 3)
    assert frames[0].rgb.dtype == np.uint8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2:5", [2, 3, 4]),
        (":3", [0, 1, 2]),
        ("7:", [7, 8, 9]),
        (":", list(range(10))),
        ("-3:", [7, 8, 9]),
        ("2:-6", [2, 3]),
        ("0:10:4", [0, 4, 8]),
        ("8:400", [8, 9]),
    ],
)
def test_a_slice_chooses_decoded_frame_numbers(clip, text, expected):
    frames = list(read_clip(clip, parse_frames(text)))
    assert [frame.index for frame in frames] == expected
    assert level_indices(frames) == expected
    assert [frame.pts_ms for frame in frames] == [40 * i for i in expected]


@pytest.mark.parametrize("text", ["", "5", "a:b", "1:2:3:4", "0:9:-1", "0:9:0", "1.5:2"])
def test_frames_that_are_no_slice_are_refused(text):
    with pytest.raises(ClipError, match=r"expected .* got"):
        parse_frames(text)


def test_probe_tells_the_outline(clip):
    assert probe_clip(clip) == ClipInfo(64, 48, Fraction(25), 10, 400)


def test_rotation_metadata_is_applied(tmp_path):
    picture = np.full((48, 64, 3), 60, np.uint8)
    picture[:, :32] = 200  # bright left half
    path = write_clip(tmp_path / "rotated.mp4", [picture] * 3, rotation=90)
    info = probe_clip(path)
    frame = next(read_clip(path))
    assert (info.width, info.height) == (48, 64)
    assert frame.rgb.shape == (64, 48, 3)
    # A quarter turn counter-clockwise brings the left half to the bottom.
    assert frame.rgb[40:].mean() > 190
    assert frame.rgb[:24].mean() < 70


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    for path in (tmp_path / "nowhere.mp4", tmp_path):
        with pytest.raises(ClipError, match="does not exist"):
            next(read_clip(path))
        with pytest.raises(ClipError, match="does not exist"):
            probe_clip(path)


def test_a_file_that_is_no_video_is_refused(tmp_path):
    path = tmp_path / "letter.mp4"
    path.write_text("Dear reader, this is no video. " * 100)
    with pytest.raises(ClipError, match="expected a video, got a file that is none"):
        next(read_clip(path))


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(ClipError, match="empty file"):
        next(read_clip(path))


def test_sound_without_pictures_is_refused(tmp_path):
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        samples.sample_rate = 8000
        container.mux(stream.encode(samples))
    with pytest.raises(ClipError, match="expected a video stream, got audio only"):
        next(read_clip(path))


def test_a_slice_beyond_the_end_is_refused(clip):
    with pytest.raises(ClipError, match="expected frames within 50:60, got none"):
        next(read_clip(clip, slice(50, 60)))
    with pytest.raises(ClipError, match="got none"):
        next(read_clip(clip, slice(5, 5)))


def test_a_size_that_changes_midway_is_refused_after_the_good_frames(tmp_path):
    small = write_clip(tmp_path / "small.ts", grey_frames(6))
    large = write_clip(tmp_path / "large.ts", grey_frames(6, 96, 128))
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    seen = []
    with pytest.raises(ClipError, match="expected 64x48 in every frame, got 128x96 at frame 6"):
        for frame in read_clip(both):
            seen.append(frame.index)
    assert seen == list(range(6))


def test_a_clip_cut_off_yields_its_good_frames_and_then_says_so(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (20, 48, 64, 3), np.uint8)
    path = write_clip(tmp_path / "whole.mp4", noise)
    data = path.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) // 2])
    seen = []
    with pytest.raises(ClipError, match="got a file cut off after"):
        for frame in read_clip(cut):
            seen.append(frame.index)
    assert 5 <= len(seen) < 20
    assert seen == list(range(len(seen)))


def test_a_damaged_clip_yields_its_good_frames_and_then_says_so(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (20, 48, 64, 3), np.uint8)
    data = bytearray(write_clip(tmp_path / "whole.mp4", noise).read_bytes())
    for position in range(len(data) // 2, len(data), 97):
        data[position] ^= 0xFF
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    intact = list(read_clip(tmp_path / "whole.mp4"))
    seen = []
    with pytest.raises(ClipError, match="expected intact video, got damage"):
        for frame in read_clip(damaged):
            seen.append(frame)
    assert 5 <= len(seen) < 15
    for frame in seen[:5]:
        np.testing.assert_array_equal(frame.rgb, intact[frame.index].rgb)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "rgb24"])
def test_a_thumbnail_is_the_luma_of_the_picture(tmp_path, pix_fmt):
    """Whatever the decoder's format: straight from its plane, or by conversion."""
    left_dark = np.full((48, 66, 3), 200, np.uint8)
    left_dark[:, :33] = 40
    clip = tmp_path / "halves.mkv"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("ffv1" if pix_fmt == "rgb24" else "libx264", rate=25)
        stream.width, stream.height = 66, 48
        stream.pix_fmt = "bgr0" if pix_fmt == "rgb24" else pix_fmt
        container.mux(stream.encode(av.VideoFrame.from_ndarray(left_dark, format="rgb24")))
        container.mux(stream.encode(None))
    (glance,) = scan_clip(clip)
    thumbnail = glance.thumbnail(8)
    assert thumbnail.shape == (8, 8) and thumbnail.dtype == np.uint8
    grey = glance.frame().rgb.mean(-1)
    # Video levels: 16 to 235 in the decoder's plane, 0 to 255 in what is converted.
    assert abs(int(thumbnail[:, :4].mean()) - grey[:, :30].mean()) < 14
    assert abs(int(thumbnail[:, 4:].mean()) - grey[:, 36:].mean()) < 14
    assert (glance.index, glance.pts_ms) == (0, 0)
