"""Video files hold every picture at its time, however long the encoder looks ahead."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from models.evaluation.pictures import VIDEO_CODECS, VideoFile
from tests.models.evaluation.codecs.footage import drifting_footage

FRAMES = 70
FPS = Fraction(30000, 1001)


@pytest.mark.parametrize("suffix", VIDEO_CODECS)
def test_a_long_video_is_whole(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    with VideoFile(path, 64, 64, FPS) as file:
        for number, picture in enumerate(drifting_footage(FRAMES, 64).pictures):
            file.write(number, picture)
    with av.open(str(path)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([number / float(FPS) for number in range(FRAMES)], abs=1e-3)
