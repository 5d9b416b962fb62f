"""The classic codecs: real encoders on small footage."""

from __future__ import annotations

import dataclasses
import os
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from models.errors import BaselineError
from models.evaluation.codecs.classic import SETTINGS, Setting, available
from models.evaluation.codecs.classic_codec import ClassicCodec
from models.evaluation.codecs.coding import Footage, Mode
from models.evaluation.codecs.libav import decode, encode, open_encoder, without_sei
from models.evaluation.metrics import psnr_db
from tests.models.evaluation.codecs.footage import drifting_footage

PRESENT, _ = available()


def named(setting: Setting) -> str:
    return f"{setting.name} {setting.mode}"


each_setting = pytest.mark.parametrize("setting", PRESENT, ids=named)
each_low_delay = pytest.mark.parametrize(
    "setting", [setting for setting in PRESENT if setting.mode is Mode.LOW_DELAY], ids=named
)


@pytest.fixture(scope="module")
def footage() -> Footage:
    return drifting_footage()


def test_this_build_of_ffmpeg_has_every_codec_in_both_modes() -> None:
    # PyAV's wheels do. Where another build does not, the report says which is missing.
    assert available()[1] == []
    names = {setting.name for setting in SETTINGS}
    assert names == {"SVT-AV1", "x265", "VP9", "x264"}
    assert {(s.name, s.mode) for s in SETTINGS} == {
        (name, mode) for name in names for mode in (Mode.LOW_DELAY, Mode.OFFLINE)
    }


def test_a_codec_that_is_not_there_is_named() -> None:
    absent = dataclasses.replace(SETTINGS[0], name="H.266", encoder="libvvenc", decoder="vvdec0")
    assert available((absent, SETTINGS[1])) == (
        [SETTINGS[1]],
        ["H.266 (low delay): no encoder libvvenc, no decoder vvdec0"],
    )


@each_setting
def test_packets_become_the_pictures_again_in_their_order(
    setting: Setting, footage: Footage
) -> None:
    packets = encode(setting, 20, footage.pictures, footage.side_px, footage.fps)
    decoded = list(decode(setting, packets))
    assert len(packets) == len(decoded) == footage.frames
    for number, picture in enumerate(decoded):
        # Its own original is nearest: nothing is late, swapped or repeated.
        errors = [np.abs(picture.astype(int) - o).mean() for o in footage.pictures]
        assert int(np.argmin(errors)) == number
        assert psnr_db(picture, footage.pictures[number]) > 29
    # One key frame, at the start.
    assert len(packets[0]) > 2 * max(map(len, packets[1:]))


@each_low_delay
def test_low_delay_looks_at_no_later_frame(setting: Setting, footage: Footage) -> None:
    whole = encode(setting, 35, footage.pictures, footage.side_px, footage.fps)
    begin = encode(setting, 35, footage.pictures[:5], footage.side_px, footage.fps)
    assert begin == whole[:5]


def test_offline_does_look_ahead(footage: Footage) -> None:
    setting = next(s for s in PRESENT if (s.name, s.mode) == ("x264", Mode.OFFLINE))
    whole = encode(setting, 35, footage.pictures, footage.side_px, footage.fps)
    begin = encode(setting, 35, footage.pictures[:5], footage.side_px, footage.fps)
    assert begin != whole[:5]


@each_setting
def test_no_packet_carries_text_about_its_encoder(setting: Setting, footage: Footage) -> None:
    packets = encode(setting, 45, footage.pictures[:2], footage.side_px, footage.fps)
    assert not any(text in packets[0] for text in (b"x264", b"x265", b"options", b"http"))


def test_sei_units_are_cut_out_of_an_h264_packet() -> None:
    sps, pps = bytes.fromhex("00000001 6764 001f"), bytes.fromhex("00000001 68eb c0")
    sei, long_sei = bytes.fromhex("000001 0605 ffaa"), bytes.fromhex("00000001 0601 c0")
    picture = bytes.fromhex("000001 6588 8400 00")
    assert without_sei(sps + pps + sei + long_sei + picture) == sps + pps + picture
    assert without_sei(picture) == picture
    assert without_sei(sei) == b""


@each_low_delay
def test_rates_are_hit_and_more_bits_look_better(setting: Setting, footage: Footage) -> None:
    targets_kbps = [40.0, 80.0, 160.0]
    quality: list[float] = []
    for target_kbps, coded in zip(
        targets_kbps, ClassicCodec(setting).code(footage, targets_kbps), strict=True
    ):
        assert coded.target_kbps == target_kbps
        # A step of the quantiser is at most a sixth of the rate.
        assert coded.payload.kbps == pytest.approx(target_kbps, rel=0.17)
        pictures = list(coded.decode())
        pairs = zip(pictures, footage.pictures, strict=True)
        quality.append(float(np.mean([psnr_db(*pair) for pair in pairs])))
    assert quality == sorted(quality)


def test_below_its_lowest_rate_a_codec_codes_smaller_pictures(footage: Footage) -> None:
    codec = ClassicCodec(next(s for s in PRESENT if s.name == "x265"))
    thin, wide = codec.code(footage, [1.0, 160.0])
    assert thin.setting == "quantizer 51, 64 px" and thin.payload.kbps > 1.0
    assert wide.setting.endswith(", 128 px")
    assert {picture.shape for picture in thin.decode()} == {(128, 128, 3)}


def test_an_odd_side_cannot_be_coded() -> None:
    footage = drifting_footage(side_px=65)
    with pytest.raises(BaselineError, match="expected pictures of even sides, got 65 px"):
        next(ClassicCodec(PRESENT[0]).code(footage, [10.0]))


def test_a_failing_encoder_is_named(footage: Footage) -> None:
    broken = dataclasses.replace(
        next(s for s in PRESENT if s.name == "x264"), options=(("preset", "sideways"),)
    )
    with pytest.raises(BaselineError, match=r"x264 \(low delay\): expected to encode"):
        encode(broken, 30, footage.pictures, footage.side_px, footage.fps)


def test_damaged_packets_are_no_pictures() -> None:
    setting = next(s for s in PRESENT if s.name == "VP9")
    with pytest.raises(BaselineError, match="VP9"):
        list(decode(setting, [b"certainly no frame"]))


@pytest.mark.skipif(sys.platform != "linux", reason="scheduling classes are Linux's")
@each_setting
def test_no_encoder_takes_the_machine(setting: Setting) -> None:
    """SVT-AV1, as root, would have real-time priority and pass it on to all processes started."""
    pictures = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), np.uint8)
    encoder = open_encoder(setting, 40, 64, Fraction(25))
    for number, picture in enumerate(pictures):
        frame = VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, encoder.time_base
        encoder.encode(frame)
        for task in Path("/proc/self/task").iterdir():
            assert os.sched_getscheduler(int(task.name)) == os.SCHED_OTHER
