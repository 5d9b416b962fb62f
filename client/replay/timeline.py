"""When what a recording holds is to be seen and heard.

Presentation times are the speaker's, times of arrival ours. A frame's place is its presentation
time, moved so that the first one is at 0; a sender that restarted begins another clock, whose
place is told by when its packets arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from codec.container import PortraitRecord, SoundRecord
from codec.errors import NoKeyPacketError, PacketError
from codec.packet import Packet, unwrap

RESTART_MS = 1_000.0
"""A key packet whose time of arrival does not fit its presentation time by more than this is of
another clock."""
LATE_PACKETS = 4
"""So many packets after a key packet may still belong before it."""
SAMPLES_PER_MS = 48
_TIMESTAMP_BITS = 32


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a decoder needs to show the time from one key packet to the next.

    Attributes:
        start_ms: place of the key packet's first frame.
        shift_ms: to be added to a presentation time to get its place.
        packets: from the key packet on, and a few beyond the next one.
    """

    start_ms: float
    shift_ms: float
    packets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of sound and its place.

    Attributes:
        start_ms: place of its first sample; may be before 0.
        opus: an Opus packet.
    """

    start_ms: float
    opus: bytes


@dataclass(frozen=True, slots=True)
class Timeline:
    """A call in order of what is seen and heard.

    Attributes:
        stretches: at least one, by rising start.
        sounds: by rising start.
    """

    stretches: tuple[Stretch, ...]
    sounds: tuple[Sound, ...]


@dataclass(frozen=True, slots=True)
class _Clock:
    """One sender's clock: how presentation times become places."""

    shift_ms: float
    transit_ms: float


def lay_out(records: Iterable[PortraitRecord | SoundRecord]) -> Timeline:
    """Finds the place of everything.

    Args:
        records: in the order of arriving.

    Raises:
        NoKeyPacketError: there is nothing that can be shown.
    """
    packets: list[bytes] = []
    keys: list[tuple[int, float, _Clock]] = []
    sounds: list[Sound] = []
    first_ms = 0.0
    for record in records:
        if isinstance(record, SoundRecord):
            if keys:
                sounds.append(_place(record, keys[-1][1], keys[-1][2]))
            continue
        pts_ms = _key_pts_ms(record.packet)
        if pts_ms is not None:
            transit_ms = record.arrival_ms - pts_ms
            if not keys:
                first_ms = record.arrival_ms
                keys.append((len(packets), pts_ms, _Clock(-pts_ms, transit_ms)))
            else:
                clock = keys[-1][2]
                if abs(transit_ms - clock.transit_ms) > RESTART_MS:
                    clock = _Clock(record.arrival_ms - first_ms - pts_ms, transit_ms)
                keys.append((len(packets), pts_ms, clock))
        packets.append(record.packet)
    if not keys:
        raise NoKeyPacketError("expected a key packet to begin with, got a call without any")
    ends = [place + LATE_PACKETS for place, _, _ in keys[1:]] + [len(packets)]
    stretches = [
        Stretch(pts_ms + clock.shift_ms, clock.shift_ms, tuple(packets[place:end]))
        for (place, pts_ms, clock), end in zip(keys, ends, strict=True)
    ]
    return Timeline(
        tuple(sorted(stretches, key=lambda stretch: stretch.start_ms)),
        tuple(sorted(sounds, key=lambda sound: sound.start_ms)),
    )


def _key_pts_ms(data: bytes) -> float | None:
    """The presentation time of a key packet, None of any other."""
    try:
        packet = Packet.parse(data)
    except PacketError:
        return None
    return float(packet.pts_ms) if packet.is_key else None


def _place(record: SoundRecord, near_pts_ms: float, clock: _Clock) -> Sound:
    near = round(near_pts_ms * SAMPLES_PER_MS)
    sample = unwrap(record.timestamp, _TIMESTAMP_BITS, near)
    return Sound(sample / SAMPLES_PER_MS + clock.shift_ms, record.opus)
