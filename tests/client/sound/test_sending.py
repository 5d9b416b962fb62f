"""Sound on its way out: real Opus, and silence left out."""

from __future__ import annotations

import numpy as np
import pytest

from client.sound.opus import FRAME_SAMPLES, SAMPLE_HZ, OpusDecoder, OpusEncoder, Samples
from client.sound.redundancy import copy_in
from client.sound.sending import SoundEncoder, encoded
from client.sound.silence import HANGOVER_MS, QUIETEST_DB, SilenceGate, loudness_db
from client.sound.source import SoundFrame
from tests.client.sound.voice import speaking


def tone(frames: int, amplitude: float = 8000.0, hertz: float = 220.0) -> Samples:
    t = np.arange(frames * FRAME_SAMPLES) / SAMPLE_HZ
    return (amplitude * np.sin(2 * np.pi * hertz * t)).astype(np.int16)


def room(frames: int, amplitude: float = 60.0, seed: int = 0) -> Samples:
    noise = np.random.default_rng(seed).normal(0, amplitude, frames * FRAME_SAMPLES)
    return noise.astype(np.int16)


def decoded(packets: list[bytes]) -> Samples:
    decoder = OpusDecoder()
    return np.concatenate([decoder.decode(packet) for packet in packets])


def cut(samples: Samples) -> list[SoundFrame]:
    starts = range(0, len(samples), FRAME_SAMPLES)
    return [SoundFrame(samples[start : start + FRAME_SAMPLES], start) for start in starts]


def test_speech_costs_what_was_asked_for_and_sounds_alike() -> None:
    rng = np.random.default_rng(1)
    loud = np.repeat(rng.uniform(0.2, 1.0, 100), FRAME_SAMPLES // 2)
    samples = (tone(50) * loud).astype(np.int16)
    encoder = OpusEncoder(8_000)
    packets = [encoder.encode(frame.samples) for frame in cut(samples)]
    kbps = sum(map(len, packets)) * 8 / (50 * 0.06) / 1000
    assert 4 < kbps < 9
    heard = decoded(packets)
    assert len(heard) == pytest.approx(len(samples), abs=2 * FRAME_SAMPLES)
    spectrum = np.abs(np.fft.rfft(heard[SAMPLE_HZ:].astype(float)))
    loudest_hz = spectrum.argmax() * SAMPLE_HZ / len(heard[SAMPLE_HZ:])
    assert loudest_hz == pytest.approx(220, abs=8)


def test_loudness_is_in_decibels_of_full_scale() -> None:
    assert loudness_db(tone(1, amplitude=32767.0)) == pytest.approx(-3.0, abs=0.1)
    assert loudness_db(np.zeros(10, np.int16)) == QUIETEST_DB


def test_in_a_quiet_room_a_frame_passes_now_and_then() -> None:
    gate = SilenceGate()
    passed = [gate.passes(frame.samples) for frame in cut(room(200))]
    assert sum(passed[20:]) == pytest.approx(180 / 7, abs=2)  # each 420 ms


def test_speech_passes_whole_and_a_while_longer() -> None:
    gate = SilenceGate()
    samples = np.concatenate([room(50), tone(10) + room(10, seed=1), room(50, seed=2)])
    passed = [gate.passes(frame.samples) for frame in cut(samples)]
    assert all(passed[50:60])
    hangover = round(HANGOVER_MS / 60)
    assert all(passed[60 : 60 + hangover])
    assert sum(passed[60 + hangover :]) <= 8


def test_a_room_that_gets_louder_is_silence_again_after_a_while() -> None:
    gate = SilenceGate()
    samples = np.concatenate([room(30), room(300, amplitude=400.0)])
    passed = [gate.passes(frame.samples) for frame in cut(samples)]
    assert sum(passed[-100:]) <= 20


def test_what_is_sent_tells_its_time() -> None:
    frames = list(encoded(cut(np.concatenate([tone(5), room(40)])), SoundEncoder()))
    assert [frame.timestamp for frame in frames[:5]] == [2880 * k for k in range(5)]
    assert len(frames) < 25
    assert all(0 < len(frame.data) < 200 for frame in frames)


def test_copies_ride_along_only_while_sound_is_lost() -> None:
    encoder = SoundEncoder()
    frames = cut(tone(30))
    packets: list[bytes] = []
    for number, frame in enumerate(frames):
        encoder.copies = 10 <= number < 20
        packet = encoder.encode(frame)
        assert packet is not None
        packets.append(packet.data)
    copies = [copy_in(packet) is not None for packet in packets]
    assert copies == [False] * 11 + [True] * 10 + [False] * 9


@pytest.mark.parametrize("bitrate_bps", [6_000, 8_000, 13_000, 24_000])
def test_packets_of_constant_size_tell_nothing_of_what_is_said(bitrate_bps: int) -> None:
    voice = speaking(6.0)
    voice[SAMPLE_HZ : 2 * SAMPLE_HZ] //= 40  # somebody whispers
    encoder = SoundEncoder(bitrate_bps, constant_size=True)
    plain, with_copies = set[int](), set[int]()
    for number, frame in enumerate(cut(voice[: 100 * FRAME_SAMPLES])):
        encoder.copies = number >= 50
        packet = encoder.encode(frame)
        if packet is not None:
            sizes = plain if copy_in(packet.data) is None else with_copies
            sizes.add(len(packet.data))
            assert len(OpusDecoder().decode(packet.data)) == FRAME_SAMPLES
    assert len(plain) == len(with_copies) == 1
    assert plain.pop() == pytest.approx(bitrate_bps * 60 / 8000, abs=1)
