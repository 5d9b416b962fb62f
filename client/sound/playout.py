"""From frames that arrived to sound that goes on: decoded, concealed, in time with the portrait.

The portrait's clock leads: its jitter buffer measures how late things come, sound included, and
grows and shrinks its delay. Sound follows within milliseconds, by leaving out or repeating single
periods of the voice. What is not there when it is due is made up for by Opus' concealment, so a
burst of late packets can delay nothing: who comes late is spoken over, and time goes on.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from client.errors import SoundError
from client.sound.buffer import SAMPLES_PER_MS, SoundBuffer, WaitingFrame
from client.sound.opus import SAMPLE_HZ, STEP_SAMPLES, OpusDecoder, Samples
from client.sound.silence import ABOVE_DB, SilenceGate
from client.sound.tally import SoundTally
from client.sound.time_scale import LONGEST, NEEDED, longer, shorter
from client.transport.link import OpusFrame

BLOCK_MS = 20
BLOCK_SAMPLES = SAMPLE_HZ * BLOCK_MS // 1000
HEARD_MS = 3.0 * BLOCK_MS
"""A block that began longer ago is over, and nothing came behind it."""
SCALED_SAMPLES = max(NEEDED, BLOCK_SAMPLES + LONGEST)
"""So much, a period less, is still a block."""
CONCEALED_SAMPLES = BLOCK_SAMPLES
"""Made up at a time: a frame that comes in the middle of its own time is still joined in."""
TOLERANCE = round(8 * SAMPLES_PER_MS)
"""Off by less, sound is left alone."""
JUMP = round(250 * SAMPLES_PER_MS)
"""Off by more, nobody waits until it has been played faster: it is left out."""
SILENT_AFTER = SAMPLE_HZ
"""After a second without a frame (silence sends two) nobody speaks: not even noise is played."""
MARGIN_DB = 4.0
"""What is decoded is not as loud as what was captured, and a pause should not count as lost."""


class SoundPlayout:
    """Makes one speaker's frames into blocks of 20 ms; time is an argument.

    Attributes:
        buffer: frames whose time has not come yet.
        tally: what was heard, what was made up, how late and how loud.
    """

    def __init__(self) -> None:
        """Prepares for a speaker.

        Raises:
            SoundError: there is no libopus.
        """
        self.buffer = SoundBuffer()
        self.tally = SoundTally()
        self._decoder = OpusDecoder()
        self._gate = SilenceGate(ABOVE_DB + MARGIN_DB)
        self._wave: deque[Samples] = deque()
        self._ready = 0
        self._next: int | None = None
        self._heard = 0
        self._began: tuple[float, float] | None = None

    def push(self, frame: OpusFrame, pts_ms: float | None, now_ms: float) -> float | None:
        """Takes a frame, in any order; see `SoundBuffer.push`."""
        return self.buffer.push(frame, pts_ms, now_ms)

    def pull(self, pts_ms: float, now_ms: float) -> Samples | None:
        """The next block of sound.

        Args:
            pts_ms: presentation time at which its first sample belongs.
            now_ms: local time.

        Returns:
            (960,) int16 at 48 kHz; None while there is nothing to be heard.
        """
        due = round(pts_ms * SAMPLES_PER_MS)
        if self._next is None or abs(due - self._next + self._ready) > JUMP:
            self._jump(due)
        first = self.buffer.first()
        if self._next is None or (first is None and self._next - self._heard > SILENT_AFTER):
            self._next = None
            return None
        behind = due - (self._next - self._ready)
        self._began = ((self._next - self._ready) / SAMPLES_PER_MS, now_ms)
        is_off = abs(behind) > TOLERANCE
        while self._ready < (SCALED_SAMPLES if is_off else BLOCK_SAMPLES):
            self._extend(now_ms)
        wave = np.concatenate(list(self._wave))
        if is_off:
            wave = shorter(wave) if behind > 0 else longer(wave)
        block, rest = np.split(wave, [BLOCK_SAMPLES])
        self._wave, self._ready = deque([rest]), len(rest)
        self.tally.played(block, behind / SAMPLES_PER_MS)
        return block

    def playing_ms(self, now_ms: float) -> float | None:
        """The presentation time that is heard at a local time; None where it is silent."""
        if self._began is None or not 0.0 <= now_ms - self._began[1] < HEARD_MS:
            return None
        return self._began[0] + now_ms - self._began[1]

    def behind_ms(self, pts_ms: float) -> float:
        """How far the next sample is behind its place; 0 while nothing is played."""
        if self._next is None:
            return 0.0
        return pts_ms - (self._next - self._ready) / SAMPLES_PER_MS

    def _jump(self, due: int) -> None:
        """Begins at the frame that is being spoken at a sample, or is the next one."""
        self._wave.clear()
        self._ready = 0
        self._next = None
        self.buffer.move_to(due - JUMP)
        first = self.buffer.first()
        if first is not None and first.start <= due + BLOCK_SAMPLES:
            self._next = first.start if first.start > due - BLOCK_SAMPLES else due
            self._heard = self._next

    def _extend(self, now_ms: float) -> None:
        """Adds the sound that comes next, be it there or not."""
        assert self._next is not None, "something is being played"
        first = self.buffer.first()
        if first is None or first.start - self._next >= STEP_SAMPLES:
            self._conceal(CONCEALED_SAMPLES if first is None else first.start - self._next)
            return
        frame = self.buffer.take()
        try:
            wave = self._decoder.decode(frame.data)
        except SoundError:
            self.buffer.counters.refused += 1
            return
        self._join(frame, wave, now_ms)

    def _join(self, frame: WaitingFrame, wave: Samples, now_ms: float) -> None:
        """Adds a frame, or as much of it as its time is not over."""
        assert self._next is not None, "something is being played"
        over = self._next - frame.start
        self._gate.passes(wave)
        if over > 0:
            wave = wave[over:]
        if not len(wave):
            self.buffer.counters.late += not frame.is_copy
            return
        self.buffer.counters.played += 1
        self.tally.decoded(len(wave), frame.is_copy, now_ms - frame.arrived_ms)
        self._append(wave)
        self._heard = self._next

    def _conceal(self, missing: int) -> None:
        count = min(missing, CONCEALED_SAMPLES) // STEP_SAMPLES * STEP_SAMPLES
        wave = self._decoder.conceal(count)
        # Behind the last frame of somebody who fell silent nothing is missing.
        if self._gate.is_speech:
            self.tally.concealed(len(wave))
        self._gate.passes(wave)
        self._append(wave)

    def _append(self, wave: Samples) -> None:
        assert self._next is not None, "something is being played"
        self._wave.append(wave)
        self._ready += len(wave)
        self._next += len(wave)
