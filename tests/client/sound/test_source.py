"""The sound of a clip comes in step with its pictures."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from client.capture import ClipSource
from client.sound.opus import FRAME_SAMPLES
from client.sound.silence import loudness_db
from client.sound.source import ClipSound, SoundFrame, has_sound
from models.errors import ClipError

RATE = 44_100
SECONDS = 1.0


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """One second: 25 gray pictures, half a second of a tone and no sound for the rest."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=RATE)
        for _ in range(25):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), "rgb24")
            container.mux(video.encode(picture))
        t = np.arange(RATE // 2) / RATE
        samples = (12_000 * np.sin(2 * np.pi * 300 * t)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate = RATE
        container.mux(audio.encode(frame))
        for stream in (video, audio):
            container.mux(stream.encode(None))
    return path


def frames_of(clip: Path, count: int, *, loop: bool = True) -> list[SoundFrame]:
    pictures = ClipSource(clip, loop=loop)
    pictures.start_ms = -1e9  # everything is due
    sound = ClipSound(clip, pictures, loop=loop, clock_ms=lambda: 0.0)
    found = []
    for frame in sound.frames(threading.Event()):
        found.append(frame)
        if len(found) == count:
            break
    return found


def test_a_clip_tells_whether_it_has_sound(clip: Path, tmp_path: Path) -> None:
    assert has_sound(clip)
    with pytest.raises(ClipError, match="expected a video"):
        has_sound(tmp_path / "none.mp4")


def test_sound_starts_over_with_the_pictures(clip: Path) -> None:
    frames = frames_of(clip, 50)
    assert [frame.start for frame in frames] == [FRAME_SAMPLES * k for k in range(50)]
    loud = [loudness_db(frame.samples) > -30 for frame in frames]
    # Frames of 60 ms: the tone is in the first half of each second.
    assert sum(loud) == pytest.approx(25, abs=4)
    for second in range(3):
        middle = (1000 * second + 250) // 60
        assert loud[middle] and not loud[middle + 8]


def test_sound_ends_with_the_clip_that_is_played_once(clip: Path) -> None:
    assert len(frames_of(clip, 100, loop=False)) == int(SECONDS * 1000) // 60


def test_a_frame_is_there_when_its_last_sample_is(clip: Path) -> None:
    pictures = ClipSource(clip)
    pictures.start_ms = 0.0
    now_ms = 1_000.0
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return len(waits) > 20

    sound = ClipSound(clip, pictures, loop=True, clock_ms=lambda: now_ms)
    list(sound.frames(Stop()))
    assert waits[:16] == [0.0] * 16, "960 ms are there"
    assert waits[16] == pytest.approx(0.02)
