"""Pictures of a recorded call at any time and of any size."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from client.feed import Renderer
from client.replay.timeline import Stretch, Timeline
from codec.decoder import Decoder
from codec.errors import NoKeyPacketError, PacketError
from codec.face import FaceState
from codec.signal import SignalModel

KEPT_STRETCHES = 8
"""Decoded ones that are kept: about twenty seconds."""
EARLY_MS = 1.0
"""A picture may be shown this much before its time: times are asked for in whole numbers."""


@dataclass(frozen=True, slots=True)
class Shot:
    """What is to be seen at some time.

    Attributes:
        state: what the speaker sent.
        start_ms: since when it is seen.
        end_ms: until when; None of the last one.
    """

    state: FaceState
    start_ms: float
    end_ms: float | None


class CallPlayer:
    """Decodes where it is asked to look, and draws that; not for several threads at a time.

    Attributes:
        duration_ms: of the call.
        dropped: packets that could not be decoded, by the name of the error.
    """

    def __init__(
        self,
        timeline: Timeline,
        speaker: str,
        signal: SignalModel,
        renderer: Renderer,
        fps: float,
    ) -> None:
        """Prepares to show a call.

        Args:
            timeline: of the call.
            speaker: sha256 of the speaker file.
            signal: of the speaker file.
            renderer: draws the speaker.
            fps: frames a second of the source: how long the last picture stays.

        Raises:
            NoKeyPacketError: none of its packets can be decoded.
        """
        self.dropped: Counter[str] = Counter()
        self._speaker = speaker
        self._signal = signal
        self._renderer = renderer
        self._decoded: OrderedDict[int, tuple[tuple[float, FaceState], ...]] = OrderedDict()
        self._stretches = timeline.stretches
        self._starts = [stretch.start_ms for stretch in self._stretches]
        last = self._last_before(len(self._stretches))
        if last is None:
            reasons = ", ".join(f"{count} {name}" for name, count in self.dropped.items())
            raise NoKeyPacketError(f"expected packets of this speaker to show, got {reasons}")
        self.duration_ms = last[0] + 1000.0 / fps

    def shot_at(self, time_ms: float) -> Shot:
        """What is to be seen at a time: the newest frame that is due; before any, the first."""
        number = bisect_right(self._starts, time_ms + EARLY_MS) - 1
        states = self._states(number) if number >= 0 else ()
        place = bisect_right([start for start, _ in states], time_ms + EARLY_MS) - 1
        if place >= 0:
            start_ms, state = states[place]
            following = states[place + 1 : place + 2] or self._first_after(number)
            return Shot(state, start_ms, following[0][0] if following else None)
        before = self._last_before(number)
        first = (states[:1] or self._first_after(number))[:1]
        if before is None:
            return Shot(first[0][1], first[0][0], None)
        return Shot(before[1], before[0], first[0][0] if first else None)

    def draw(self, shot: Shot, size: int) -> NDArray[np.uint8]:
        """Returns the (size, size, 3) uint8 RGB picture of a shot."""
        return self._renderer.render(shot.state, size)

    def _last_before(self, number: int) -> tuple[float, FaceState] | None:
        for earlier in range(number - 1, -1, -1):
            states = self._states(earlier)
            if states:
                return states[-1]
        return None

    def _first_after(self, number: int) -> tuple[tuple[float, FaceState], ...]:
        for later in range(number + 1, len(self._stretches)):
            states = self._states(later)
            if states:
                return states[:1]
        return ()

    def _states(self, number: int) -> tuple[tuple[float, FaceState], ...]:
        """The frames of a stretch and their places, by rising place."""
        if number in self._decoded:
            self._decoded.move_to_end(number)
            return self._decoded[number]
        end_ms = self._starts[number + 1] if number + 1 < len(self._starts) else None
        states = self._decode(self._stretches[number], end_ms)
        self._decoded[number] = states
        while len(self._decoded) > KEPT_STRETCHES:
            self._decoded.popitem(last=False)
        return states

    def _decode(
        self, stretch: Stretch, end_ms: float | None
    ) -> tuple[tuple[float, FaceState], ...]:
        decoder = Decoder(self._speaker, self._signal)
        states: dict[float, FaceState] = {}
        for packet in stretch.packets:
            try:
                decoded = decoder.decode(packet)
            except PacketError as error:
                self.dropped[type(error).__name__] += 1
                continue
            for state in decoded:
                place_ms = state.pts_ms + stretch.shift_ms
                if end_ms is None or place_ms < end_ms:
                    states[place_ms] = state
        return tuple(sorted(states.items(), key=lambda item: item[0]))
