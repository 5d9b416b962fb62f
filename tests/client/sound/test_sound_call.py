"""Sound through a whole call in memory: copied where it is lost and a renderer asks for it."""

from __future__ import annotations

from client import control
from client.sound.opus import FRAME_SAMPLES
from client.sound.playout import BLOCK_SAMPLES
from client.sound.redundancy import copy_in
from client.sound.source import SoundFrame
from client.transport.memory import Impairment
from tests.client.call_in_memory import Call
from tests.client.sound.voice import speaking

TOGETHER_MS = 120
"""Three frames of the portrait, two of sound, six blocks."""


class SoundCall:
    """A call in memory with a voice."""

    def __init__(self, impairment: Impairment | None = None) -> None:
        self.call = Call(impairment)
        self.copied: list[bool] = []
        self.blocks: list[bool] = []
        self._start = 0

    def speak(self, seconds: float) -> None:
        """Goes on for so long; the time is a multiple of 120 ms."""
        wave = speaking(seconds, seed=1)
        for part in range(round(seconds * 1000) // TOGETHER_MS):
            for half in range(2):
                at = (2 * part + half) * FRAME_SAMPLES
                frame = SoundFrame(wave[at : at + FRAME_SAMPLES], self._start)
                self._start += FRAME_SAMPLES
                packet = self.call.sender.sound.encode(frame)
                assert packet is not None
                self.copied.append(copy_in(packet.data) is not None)
                self.call.sender.sounded(packet)
            for _ in range(3):
                self.call.run(1)
                now_ms = self.call.network.now_ms
                self.call.feed.playout(now_ms)
                self.call.feed.tick(now_ms, self.call.unix_ms())
                for ahead_ms in (20.0, 0.0):
                    block = self.call.feed.sound_due(now_ms - ahead_ms, picture_ms=40.0)
                    assert block is None or len(block) == BLOCK_SAMPLES
                    self.blocks.append(block is not None)


def test_a_voice_is_heard_without_a_gap_and_never_copied() -> None:
    call = SoundCall()
    call.speak(6.0)
    assert all(call.blocks[15:])
    assert call.call.feed.sound.concealed_share == 0.0
    assert not any(call.copied)
    assert call.call.feed.sound.level_db > -40.0
    skew_ms = call.call.feed.sound.skew_ms
    assert skew_ms is not None and skew_ms < 10.0


def test_what_is_lost_is_copied_when_the_renderer_asks_for_protection() -> None:
    # Of five datagrams three are the portrait's: every fifth or sixth is lost.
    call = SoundCall(Impairment(lost=(False,) * 5 + (True,) + (False,) * 4 + (True,)))
    call.speak(6.0)
    assert not any(call.copied)
    unprotected = call.call.feed.sound.concealed_share
    assert unprotected > 0.08
    sender = call.call.sender
    sender.control_received(call.call.link, control.build(control.Protect(1)), 0.0)
    call.speak(12.0)
    assert all(call.copied[-199:])
    assert call.call.feed.sound.concealed_share < 0.2 * unprotected
    assert all(call.blocks[15:])


def test_copies_end_with_the_renderer_that_wanted_them() -> None:
    call = Call()
    call.sender.control_received(call.link, control.build(control.Protect(2)), 0.0)
    assert call.sender.sound.copies
    call.sender.link_closed(call.link)
    assert not call.sender.sound.copies
