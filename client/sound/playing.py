"""Plays a speaker's sound to all who listen, a block each 20 ms, encoded once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from client.sound.opus import OpusEncoder, Samples
from client.sound.playout import BLOCK_MS, BLOCK_SAMPLES
from client.sound.track import SoundBroadcast

BITRATE_BPS = 32_000
"""Of the hop from the renderer to its pages, which is local as a rule and hears no difference."""
COMPLEXITY = 5
LATE_MS = 100.0
"""Blocks that are late by more are left out: a machine that slept has nothing to catch up with."""


async def play_sound(
    pull: Callable[[float], Samples | None],
    broadcast: SoundBroadcast,
    clock_ms: Callable[[], float],
) -> None:
    """Plays until cancelled.

    Args:
        pull: gives the block that is due at a local time; None while nothing is to be heard.
        broadcast: gets what is played.
        clock_ms: a monotonic clock.

    Raises:
        SoundError: there is no libopus.
    """
    encoder = OpusEncoder(BITRATE_BPS, complexity=COMPLEXITY)
    began_ms, block = clock_ms(), 0
    while True:
        due_ms = began_ms + block * BLOCK_MS
        await asyncio.sleep(max(0.0, due_ms - clock_ms()) / 1000.0)
        if clock_ms() - due_ms < LATE_MS:
            samples = pull(due_ms)
            if samples is not None:
                broadcast.publish(block * BLOCK_SAMPLES, encoder.encode(samples))
        block += 1
