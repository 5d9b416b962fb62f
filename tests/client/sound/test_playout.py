"""Sound goes on: in time whatever the network does, and made up where nothing came."""

from __future__ import annotations

import numpy as np
import pytest

from client.sound.bench import DELAY_MS, TRANSIT_MS, run_sound
from client.sound.opus import FRAME_MS, FRAME_SAMPLES
from client.sound.playout import BLOCK_MS, BLOCK_SAMPLES, JUMP, TOLERANCE, SoundPlayout
from client.sound.sending import SoundEncoder, encoded
from client.sound.source import SoundFrame
from client.transport.link import OpusFrame
from tests.client.sound.voice import speaking

TOLERANCE_MS = TOLERANCE / 48.0


def packets(seconds: float) -> list[OpusFrame]:
    wave = speaking(seconds)
    starts = range(0, len(wave) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    frames = [SoundFrame(wave[start : start + FRAME_SAMPLES], start) for start in starts]
    return list(encoded(frames, SoundEncoder()))


def filled(seconds: float) -> SoundPlayout:
    """A playout that has all of a voice that long, at most what fits into its buffer."""
    playout = SoundPlayout()
    for packet in packets(seconds):
        assert playout.push(packet, 0.0, 0.0) is not None
    return playout


def test_blocks_follow_each_other_and_nothing_is_made_up() -> None:
    run = run_sound(speaking(6.0), lambda number: False, copies=False)
    assert run.concealed == 0.0
    assert run.late_ms <= TOLERANCE_MS


@pytest.mark.parametrize("late_frames", [5, 10, 14])
def test_a_second_after_a_burst_sound_is_in_time(late_frames: int) -> None:
    stalled = range(60, 60 + late_frames)

    def transit_ms(number: int) -> float:
        """The path stalls, and then delivers all that it held back."""
        return TRANSIT_MS + (FRAME_MS * (stalled.stop - number) if number in stalled else 0.0)

    over_ms = float(stalled.stop * FRAME_MS + DELAY_MS)
    run = run_sound(
        speaking(9.0),
        lambda number: False,
        copies=False,
        transit_ms=transit_ms,
        settled_ms=over_ms + 1000.0,
    )
    # Two frames still come in time; who says nothing for 400 ms might as well have stopped.
    made_up_s = min((late_frames - 2) * FRAME_MS / 1000.0, 0.4)
    assert run.concealed * 9.0 == pytest.approx(made_up_s, abs=0.13)
    assert run.late_ms <= TOLERANCE_MS


def test_what_is_made_up_is_nearer_to_the_voice_than_silence_is() -> None:
    lost = np.random.default_rng(3).random(200) < 0.1
    concealed = run_sound(speaking(9.0), lambda number: bool(lost[number]), copies=False)
    copied = run_sound(speaking(9.0), lambda number: bool(lost[number]), copies=True)
    assert concealed.concealed == pytest.approx(lost[:150].mean(), abs=0.03)
    assert concealed.distance_db < concealed.silence_db - 4.0
    assert copied.concealed < 0.3 * concealed.concealed
    assert copied.distance_db < concealed.distance_db - 1.0


@pytest.mark.parametrize("speed", [0.9, 1.1])
def test_sound_follows_a_clock_that_runs_faster_or_slower(speed: float) -> None:
    playout = filled(1.9)
    behind_ms = []
    for number in range(70):
        block = playout.pull(speed * BLOCK_MS * number, 0.0)
        assert block is not None and len(block) == BLOCK_SAMPLES
        behind_ms.append(playout.behind_ms(speed * BLOCK_MS * (number + 1)))
    assert np.abs(behind_ms).max() < TOLERANCE_MS + 12.0
    assert playout.tally.concealed_share == 0.0


def test_what_is_too_far_behind_is_left_out() -> None:
    playout = filled(1.9)
    assert playout.pull(0.0, 0.0) is not None
    assert playout.pull(JUMP / 48.0 + 500.0, 0.0) is not None
    assert abs(playout.behind_ms(JUMP / 48.0 + 520.0)) <= TOLERANCE_MS


def test_before_anything_came_and_long_after_there_is_nothing_to_hear() -> None:
    assert SoundPlayout().pull(0.0, 0.0) is None
    playout = filled(0.6)
    blocks = [playout.pull(float(BLOCK_MS * number), 0.0) for number in range(100)]
    heard = [block is not None for block in blocks]
    assert heard == sorted(heard, reverse=True)
    assert 60 < sum(heard) < 85  # 600 ms, and a second of the room
    assert all(block is None or len(block) == BLOCK_SAMPLES for block in blocks)


def test_damaged_sound_is_refused_and_made_up() -> None:
    playout = SoundPlayout()
    for packet in packets(1.2):
        bad = packet.timestamp == 5 * FRAME_SAMPLES
        playout.push(OpusFrame(b"\xff\xff", packet.timestamp) if bad else packet, 0.0, 0.0)
    for number in range(50):
        assert playout.pull(float(BLOCK_MS * number), 0.0) is not None
    assert playout.buffer.counters.refused == 1
    assert playout.tally.concealed_share == pytest.approx(1 / 17, abs=0.02)


def test_a_frame_that_comes_in_the_middle_of_its_time_is_joined_in() -> None:
    playout = SoundPlayout()
    voice = packets(0.6)
    for packet in voice[:4]:
        playout.push(packet, 0.0, 0.0)
    for number in range(13):  # the first 20 ms of the fifth frame are made up
        playout.pull(float(BLOCK_MS * number), 0.0)
    for packet in voice[4:]:
        playout.push(packet, 240.0, 0.0)
    for number in range(13, 28):
        playout.pull(float(BLOCK_MS * number), 0.0)
    assert playout.tally.concealed_share == pytest.approx(20 / 560, abs=0.02)


def test_a_speaker_whose_clock_begins_anew_is_heard_again() -> None:
    playout = SoundPlayout()
    for packet in packets(1.2):
        later = OpusFrame(packet.data, packet.timestamp + 8 * 48_000)
        playout.push(later, 8_000.0, 0.0)
    for number in range(40):  # 400 ms of it are never played
        assert playout.pull(8_000.0 + BLOCK_MS * number, 0.0) is not None
    assert playout.pull(0.0, 0.0) is None
    for packet in packets(1.2):
        playout.push(packet, 0.0, 0.0)
    for number in range(50):
        assert playout.pull(float(BLOCK_MS * number), 0.0) is not None
    assert playout.tally.concealed_share < 0.05
