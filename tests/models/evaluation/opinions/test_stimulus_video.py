"""Videos for browsers: every frame there, at its time, and hardly different from what it was."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import BaselineError, StudyError
from models.evaluation.metrics import psnr_db
from models.evaluation.opinions.stimulus_video import write_stimulus
from tests.models.evaluation.codecs.footage import drifting_footage

FPS = Fraction(30000, 1001)
PATCHES = ((200, 30, 40), (30, 180, 60), (40, 60, 200), (128, 128, 128))


@pytest.fixture(scope="module")
def pictures() -> NDArray[np.uint8]:
    """A texture that drifts, with patches of strong colour in a corner."""
    pictures = drifting_footage(20, 128).pictures.copy()
    for place, colour in enumerate(PATCHES):
        pictures[:, :32, 32 * place : 32 * place + 32] = colour
    return pictures


@pytest.fixture(scope="module")
def path(pictures: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    write_stimulus(path, pictures, 20, 128, FPS)
    return path


def test_frames_times_and_colours_are_stated(path: Path) -> None:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert (stream.codec_context.name, stream.codec_context.profile) == ("h264", "High")
        assert stream.codec_context.pix_fmt == "yuv420p"
    assert [frame.time for frame in frames] == pytest.approx([n / float(FPS) for n in range(20)])
    assert {(frame.colorspace, frame.color_range) for frame in frames} == {(1, 1)}


def test_what_is_seen_was_there_before(path: Path, pictures: NDArray[np.uint8]) -> None:
    with av.open(str(path)) as container:
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    # Grey texture, without the patches' edges, which 4:2:0 softens.
    worst = min(psnr_db(a[40:], b[40:]) for a, b in zip(decoded, pictures, strict=True))
    assert worst > 43.0
    for place, colour in enumerate(PATCHES):
        seen = decoded[10][8:24, 32 * place + 8 : 32 * place + 24].mean(axis=(0, 1))
        assert seen == pytest.approx(colour, abs=2.5)


def test_the_index_is_in_front_so_that_it_plays_while_it_comes(path: Path) -> None:
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_pictures_that_are_missing(pictures: NDArray[np.uint8], tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="expected 20 decoded pictures, got 19"):
        write_stimulus(tmp_path / "a.mp4", pictures[:19], 20, 128, FPS)


def test_a_place_that_cannot_be_written(pictures: NDArray[np.uint8], tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="expected to write a video"):
        write_stimulus(tmp_path / "missing" / "a.mp4", pictures, 20, 128, FPS)
