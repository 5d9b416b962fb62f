"""The receiver's buffer between irregular arrival and regular playout.

It has no clock: every call is told the local time. Times of the stream (pts) are mapped to
local time by the smallest transit seen lately, which queueing in the network cannot disturb,
plus a delay that is long enough for the usual jitter.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum

from codec.face import FaceState
from codec.interpolate import blend_states

FRESH_MS = 2.0
"""Within this of a state's own time, the state is shown as it is."""
MAX_EXTRAPOLATION_MS = 100.0
EXTRAPOLATION_DECAY_MS = 60.0
MAX_VELOCITY_SPAN_MS = 120.0
"""States further apart say nothing about the present velocity."""
TRANSIT_WINDOW_MS = 4_000.0
DELIVERY_MS = 20.0
"""What arrives within this time arrives together, and was as late as its latest part: a stalled
path that delivers all it held back was late once, not as often as there are packets."""
MAX_DELAY_MS = 400.0
SLEW = 0.1
"""The playout clock may run this much faster or slower to follow the network."""
JUMP_MS = 1_000.0
"""A transit off by more is another timeline: the sender restarted."""
USUAL, RARE = 0.95, 0.99
"""Share of the states that the delay is to be long enough for: as a rule, and where what comes
late comes because it was lost and said again."""
CAPACITY = 64
GAPS = 32
"""Played gaps between states whose median is the frame interval."""


class PlayoutKind(Enum):
    """Where the shown state came from."""

    FRESH = "fresh"
    INTERPOLATED = "interpolated"
    EXTRAPOLATED = "extrapolated"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Playout:
    """What to show now.

    Attributes:
        state: its `pts_ms` is the stream time that it depicts.
        kind: fresh, interpolated, extrapolated or held.
        age_ms: stream time now, minus that of the newest received state it rests on.
    """

    state: FaceState
    kind: PlayoutKind
    age_ms: float


@dataclass(slots=True)
class JitterCounters:
    """What became of the states that were pushed.

    Attributes:
        received: states taken into the buffer.
        late: states that came after their playout, and were dropped.
        duplicates: states whose time was in the buffer already, and were dropped.
        overflowed: oldest states dropped because the buffer was full.
        lost: states that never came in time, judged by gaps in what was played.
        restarts: changes to another timeline.
    """

    received: int = 0
    late: int = 0
    duplicates: int = 0
    overflowed: int = 0
    lost: int = 0
    restarts: int = 0


@dataclass(slots=True)
class _Delivery:
    """What arrived together; transits are arrival minus presentation time."""

    arrival_ms: float
    fastest_ms: float
    slowest_ms: float


class JitterBuffer:
    """Sorts states by time and answers what is due now."""

    def __init__(self, target_delay_ms: float = 80.0) -> None:
        """Prepares an empty buffer.

        Args:
            target_delay_ms: least delay between a state's earliest arrival and its playout.
                It grows by itself, up to `MAX_DELAY_MS`, to the measured jitter plus one
                frame interval.
        """
        self.counters = JitterCounters()
        self._target_ms = target_delay_ms
        self._share = USUAL
        self._states: list[FaceState] = []
        self._times: list[int] = []  # pts_ms of _states, kept beside for bisect
        self._deliveries: deque[_Delivery] = deque()
        self._offset_ms: float | None = None  # local time of playout minus pts
        self._pulled_ms: float | None = None
        self._shown: Playout | None = None
        self._stray: FaceState | None = None
        self._last_played: int | None = None
        self._gaps_ms: deque[int] = deque(maxlen=GAPS)

    @property
    def delay_ms(self) -> float:
        """The delay now aimed at, counted from the earliest arrival."""
        jitter_ms = self._slowest_transit() - self._fastest_transit()
        wanted = max(self._target_ms, jitter_ms + self._interval_ms())
        return min(wanted, max(MAX_DELAY_MS, self._target_ms))

    def wait_for(self, share: float) -> None:
        """Delays the playout so that this share of the states comes in time.

        Args:
            share: of what arrives at all, 0 to 1; `USUAL` at first.
        """
        self._share = share

    def push(self, state: FaceState, now_ms: float) -> None:
        """Takes a decoded state, in any order."""
        transit = now_ms - state.pts_ms
        if self._deliveries and abs(transit - self._fastest_transit()) > JUMP_MS:
            if not self._confirms_restart(state, transit):
                return
            self._restart()
        self._stray = None
        self._note_transit(now_ms, transit)
        if self._last_played is not None and state.pts_ms <= self._last_played:
            # Also where a duplicate of what has been played ends up.
            self.counters.late += 1
            return
        index = bisect_left(self._times, state.pts_ms)
        if index < len(self._times) and self._times[index] == state.pts_ms:
            self.counters.duplicates += 1
            return
        self._states.insert(index, state)
        self._times.insert(index, state.pts_ms)
        self.counters.received += 1
        if len(self._states) > CAPACITY:
            del self._states[0], self._times[0]
            self.counters.overflowed += 1

    def note_arrival(self, pts_ms: float, now_ms: float) -> None:
        """Learns from something else of the same clock that arrived: a piece of sound.

        Args:
            pts_ms: its presentation time.
            now_ms: local time.
        """
        transit = now_ms - pts_ms
        if not self._deliveries or abs(transit - self._fastest_transit()) <= JUMP_MS:
            self._note_transit(now_ms, transit)

    def playing_ms(self, now_ms: float) -> float | None:
        """The presentation time that is played at a local time; None while nothing is."""
        return None if self._offset_ms is None else now_ms - self._offset_ms

    def pull(self, now_ms: float) -> Playout | None:
        """Returns what to show at a local time, None before the first state is due."""
        if self._deliveries:
            self._follow(now_ms)
        if self._offset_ms is None or not self._states:
            return self._held_from_before()
        due_ms = now_ms - self._offset_ms
        index = bisect_right(self._times, due_ms) - 1
        if index < 0:
            return self._held_from_before()
        self._count_played(index)
        # The state before the current one is kept: extrapolation needs its velocity.
        if index > 1:
            del self._states[: index - 1], self._times[: index - 1]
            index = 1
        self._shown = self._playout(index, due_ms)
        return self._shown

    def _playout(self, index: int, due_ms: float) -> Playout:
        current = self._states[index]
        age_ms = due_ms - current.pts_ms
        if age_ms <= FRESH_MS:
            return Playout(current, PlayoutKind.FRESH, age_ms)
        if index + 1 < len(self._states):
            following = self._states[index + 1]
            if following.tracking is not current.tracking:
                return Playout(current, PlayoutKind.HELD, age_ms)
            weight = age_ms / (following.pts_ms - current.pts_ms)
            state = blend_states(current, following, weight)
            return Playout(state, PlayoutKind.INTERPOLATED, age_ms)
        return self._beyond(index, age_ms)

    def _beyond(self, index: int, age_ms: float) -> Playout:
        """Returns the newest state moved on by its damped velocity, then held."""
        current = self._states[index]
        previous = self._states[index - 1] if index else None
        if previous is None or previous.tracking is not current.tracking:
            return Playout(current, PlayoutKind.HELD, age_ms)
        span_ms = current.pts_ms - previous.pts_ms
        if span_ms > MAX_VELOCITY_SPAN_MS:
            return Playout(current, PlayoutKind.HELD, age_ms)
        ahead_ms = min(age_ms, MAX_EXTRAPOLATION_MS)
        decay = ahead_ms / EXTRAPOLATION_DECAY_MS
        # The integral of exp(-t / decay): velocity fades out instead of overshooting.
        travelled_ms = EXTRAPOLATION_DECAY_MS * (1.0 - math.exp(-decay))
        state = blend_states(previous, current, 1.0 + travelled_ms / span_ms)
        state = replace(state, pts_ms=round(current.pts_ms + ahead_ms))
        extrapolated = age_ms <= MAX_EXTRAPOLATION_MS
        kind = PlayoutKind.EXTRAPOLATED if extrapolated else PlayoutKind.HELD
        return Playout(state, kind, age_ms)

    def _held_from_before(self) -> Playout | None:
        """Returns what was shown last, across a restart of the sender too."""
        return self._shown and replace(self._shown, kind=PlayoutKind.HELD)

    def _count_played(self, index: int) -> None:
        """Notes the states that are due by now, and the gaps between them."""
        for time in self._times[: index + 1]:
            if self._last_played is not None:
                gap_ms = time - self._last_played
                if gap_ms <= 0:
                    continue
                self._gaps_ms.append(gap_ms)
                self.counters.lost += max(round(gap_ms / self._interval_ms()) - 1, 0)
            self._last_played = time

    def _interval_ms(self) -> float:
        """Returns the median gap between played states, 0 while there are none."""
        return float(sorted(self._gaps_ms)[len(self._gaps_ms) // 2]) if self._gaps_ms else 0.0

    def _note_transit(self, now_ms: float, transit: float) -> None:
        latest = self._deliveries[-1] if self._deliveries else None
        if latest is not None and now_ms - latest.arrival_ms <= DELIVERY_MS:
            latest.fastest_ms = min(latest.fastest_ms, transit)
            latest.slowest_ms = max(latest.slowest_ms, transit)
        else:
            self._deliveries.append(_Delivery(now_ms, transit, transit))
        while self._deliveries[0].arrival_ms < now_ms - TRANSIT_WINDOW_MS:
            self._deliveries.popleft()

    def _fastest_transit(self) -> float:
        return min((delivery.fastest_ms for delivery in self._deliveries), default=0.0)

    def _slowest_transit(self) -> float:
        """What enough of the deliveries do not exceed."""
        ordered = sorted(delivery.slowest_ms for delivery in self._deliveries)
        return ordered[min(int(self._share * len(ordered)), len(ordered) - 1)] if ordered else 0.0

    def _follow(self, now_ms: float) -> None:
        """Moves the playout clock towards the network's, slowly enough not to be seen."""
        wanted = self._fastest_transit() + self.delay_ms
        if self._offset_ms is None or self._pulled_ms is None:
            self._offset_ms = wanted
        else:
            reach = SLEW * max(now_ms - self._pulled_ms, 0.0)
            self._offset_ms += min(max(wanted - self._offset_ms, -reach), reach)
        self._pulled_ms = now_ms

    def _confirms_restart(self, state: FaceState, transit: float) -> bool:
        """Whether a second state agrees with a first one that the timeline has changed."""
        first, self._stray = self._stray, state
        if first is None:
            return False
        return 0 < state.pts_ms - first.pts_ms < JUMP_MS

    def _restart(self) -> None:
        self._states.clear()
        self._times.clear()
        self._deliveries.clear()
        self._gaps_ms.clear()
        self._offset_ms = self._last_played = None
        self.counters.restarts += 1
