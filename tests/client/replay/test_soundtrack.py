"""The sound of a recording as a track that is as long as the call."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.replay.soundtrack import SILENCE, fill, packet_samples, write_soundtrack
from client.replay.timeline import Sound
from client.sound.opus import FRAME_SAMPLES, SAMPLE_HZ, OpusEncoder

TONE_HZ = 440.0


def tone(frames: int) -> list[bytes]:
    encoder = OpusEncoder()
    t = np.arange(frames * FRAME_SAMPLES) / SAMPLE_HZ
    wave = (12_000 * np.sin(2 * np.pi * TONE_HZ * t)).astype(np.int16)
    return [encoder.encode(part) for part in wave.reshape(frames, FRAME_SAMPLES)]


@pytest.mark.parametrize(
    ("opus", "samples"),
    [(SILENCE, 960), (b"\x18", 2880), (b"\x19", 5760), (b"\x6b\x03", 2880), (b"\x80", 120)],
)
def test_a_packet_says_how_long_it_sounds(opus: bytes, samples: int) -> None:
    assert packet_samples(opus) == samples


def test_pauses_are_filled_and_the_track_is_as_long_as_the_call() -> None:
    (opus,) = tone(1)
    packets = list(fill([Sound(100.0, opus), Sound(160.0, opus), Sound(400.0, opus)], 48_000))
    starts = [start for start, _ in packets]
    assert [start for start, data in packets if data == opus] == [4800, 7680, 19_200]
    ends = [start + packet_samples(data) for start, data in packets]
    assert starts[0] == 0 and starts[1:] == ends[:-1] and ends[-1] >= 48_000


@given(
    st.lists(
        st.tuples(st.floats(-1e5, 1e5), st.binary(min_size=0, max_size=4)).map(
            lambda each: Sound(*each)
        ),
        max_size=20,
    )
)
def test_packets_never_overlap_whatever_was_recorded(sounds: list[Sound]) -> None:
    ordered = sorted(sounds, key=lambda sound: sound.start_ms)
    end = 0
    for start, opus in fill(ordered, 960):
        assert start >= end
        end = start + packet_samples(opus)


def test_the_track_lets_hear_what_was_recorded_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "sound.webm"
    sounds = [Sound(1000.0 + 60.0 * number, opus) for number, opus in enumerate(tone(10))]
    write_soundtrack(path, sounds, 3000.0)
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
    times = np.array([frame.time for frame in frames])
    loud = np.array([np.sqrt(np.mean(frame.to_ndarray() ** 2)) > 0.1 for frame in frames])
    assert times[loud][0] == pytest.approx(1.0, abs=0.07)
    assert times[loud][-1] == pytest.approx(1.6, abs=0.07)
    assert times[-1] == pytest.approx(2.98, abs=0.03)
