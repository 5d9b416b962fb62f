"""The receiver's view of one stream: what packets left behind, by sequence number."""

from __future__ import annotations

from dataclasses import dataclass

from codec.block import decode_block, reconstruct
from codec.errors import (
    CorruptPacketError,
    FuturePacketError,
    MissingReferenceError,
    ReplayedPacketError,
)
from codec.face import FaceState
from codec.halves import decode_halves
from codec.pace import THIRDS, pace_of
from codec.packet import (
    SEQUENCE_BITS,
    SHORT_SEQUENCE_BITS,
    Packet,
    Place,
    unwrap,
)
from codec.profile import Profile
from codec.receipt import Receipt
from codec.signal import SignalModel, Units

HISTORY = 64
"""Packets that both ends remember."""
MAX_DROPOUT = 3000
"""Packets that may be missing in a row before a stream counts as another (RFC 3550, A.1)."""
MAX_PTS_AHEAD_MS = 120_000
"""How far a packet's time may lie ahead of the newest one's."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a packet leaves behind at both ends, for later packets to refer to.

    Attributes:
        sequence: unwrapped sequence number.
        pts_ms: presentation time of its first frame.
        span: from its first frame to the next packet's, in thirds of a millisecond, if that
            follows at the same pace.
        check: its checksum.
        last: its last frame: (COMPONENTS,) units; None of a lossless packet.
    """

    sequence: int
    pts_ms: int
    span: int
    check: int
    last: Units | None

    def expected_ms(self, sequence: int) -> int:
        """The time of another packet if all are like this one."""
        return self.pts_ms + (sequence - self.sequence) * self.span // THIRDS


def span_of(times_ms: tuple[int, ...]) -> int:
    """What packets with frames at such times span, as `Left` has it."""
    return len(times_ms) * pace_of(times_ms).interval


class StateHistory:
    """The last `HISTORY` sequence numbers of one stream, which begins with a key packet.

    Only packets whose checksum holds leave a trace.

    Args:
        prefix: the speaker's.
        model: the speaker's.
    """

    def __init__(self, prefix: bytes, model: SignalModel) -> None:
        self._prefix = prefix
        self._model = model
        self._left: dict[int, Left] = {}
        self._newest: Left | None = None
        self.accepted = 0

    def knows(self, packet: Packet) -> bool:
        """Whether this very packet, byte for byte as far as the checksum tells, was accepted."""
        left = self._left.get(self._sequence(packet))
        return left is not None and left.check == packet.check

    def receipt(self) -> Receipt:
        """Says which packets were accepted; one at least was."""
        return Receipt.of(self._left)

    def accept(self, packet: Packet) -> tuple[FaceState, ...]:
        """Decodes a packet and remembers what it leaves behind.

        Returns:
            Its frames, in the order of time.

        Raises:
            ReplayedPacketError: its sequence number was accepted, or is too old to tell.
            FuturePacketError: its sequence number or time is implausibly far ahead.
            MissingReferenceError: its reference was lost or never seen, or the stream was not
                entered by a key packet.
            CorruptPacketError: damaged, or of another stream.
        """
        if self._newest is None and not packet.is_key:
            raise MissingReferenceError("expected a key packet first, got another one")
        sequence = self._sequence(packet)
        pts_ms = self._pts_ms(packet, sequence)
        self._check_place(sequence, pts_ms, packet.is_key)
        place = Place(self._prefix, sequence, pts_ms)
        decode = self._decode_block if packet.profile is Profile.COMPACT else self._decode_halves
        states, last = decode(packet, place)
        span = span_of(tuple(state.pts_ms - pts_ms for state in states))
        self._remember(Left(sequence, pts_ms, span, packet.check, last))
        return states

    def _sequence(self, packet: Packet) -> int:
        bits = SEQUENCE_BITS if packet.is_key else SHORT_SEQUENCE_BITS
        near = packet.sequence if self._newest is None else self._newest.sequence
        return unwrap(packet.sequence, bits, near)

    def _pts_ms(self, packet: Packet, sequence: int) -> int:
        if packet.is_key or not self._left:
            return packet.pts_ms
        before = max((past for past in self._left if past < sequence), default=min(self._left))
        expected_ms = self._left[before].expected_ms(sequence)
        return unwrap(packet.pts_ms, packet.time_bits, expected_ms)

    def _check_place(self, sequence: int, pts_ms: int, is_key: bool) -> None:
        newest = self._newest
        if newest is None:
            return
        ahead = sequence - newest.sequence
        if sequence in self._left or ahead <= -HISTORY:
            raise ReplayedPacketError(
                f"expected a new sequence number after {newest.sequence - HISTORY}, got {sequence}"
            )
        if ahead > MAX_DROPOUT:
            raise FuturePacketError(
                f"expected a sequence number within {MAX_DROPOUT} after {newest.sequence}, "
                f"got {sequence}"
            )
        ahead_ms = pts_ms - newest.pts_ms
        if is_key and ahead > 0 and not 0 < ahead_ms <= MAX_PTS_AHEAD_MS:
            raise FuturePacketError(
                f"expected a time up to {MAX_PTS_AHEAD_MS} ms after the newest packet's, "
                f"got {ahead_ms} ms"
            )
        if pts_ms < 0:
            raise CorruptPacketError(f"expected a time from 0 ms on, got {pts_ms} ms")
        if not is_key and (ahead_ms > 0) is not (ahead > 0):
            raise CorruptPacketError(
                f"expected times in the order of sequence numbers, got {ahead_ms} ms "
                f"for {ahead} packets"
            )

    def _decode_block(self, packet: Packet, place: Place) -> tuple[tuple[FaceState, ...], Units]:
        block = decode_block(packet.body, self._model, packet.refers, _in_body(packet))
        reference = self._reference(place, block.distance, packet)
        units = reconstruct(block, None if reference is None else _units(reference))
        states = tuple(
            FaceState.from_vector(vector, place.pts_ms + time_ms, packet.tracking)
            for vector, time_ms in zip(self._model.vectors(units), block.times_ms, strict=True)
        )
        return states, units[-1]

    def _decode_halves(self, packet: Packet, place: Place) -> tuple[tuple[FaceState, ...], None]:
        if packet.refers:
            raise CorruptPacketError("expected a lossless packet alone, got one that refers")
        packet.verify(place)
        times_ms, vectors = decode_halves(packet.body, self._model, _in_body(packet))
        states = tuple(
            FaceState.from_vector(vector, place.pts_ms + time_ms, packet.tracking)
            for vector, time_ms in zip(vectors, times_ms, strict=True)
        )
        return states, None

    def _reference(self, place: Place, distance: int, packet: Packet) -> Left | None:
        """Finds what a packet refers to, and checks the packet."""
        if not distance:
            packet.verify(place)
            return None
        reference = self._left.get(place.sequence - distance)
        if reference is None:
            raise MissingReferenceError(
                f"expected the reference {place.sequence - distance} of packet {place.sequence} "
                "to have arrived, got none"
            )
        packet.verify(place.referring_to(reference.check))
        return reference

    def _remember(self, left: Left) -> None:
        self._left[left.sequence] = left
        self.accepted += 1
        if self._newest is None or left.sequence > self._newest.sequence:
            self._newest = left
            oldest = left.sequence - HISTORY
            for sequence in [past for past in self._left if past <= oldest]:
                del self._left[sequence]


def _in_body(packet: Packet) -> int:
    """Bits of its time that a packet's body begins with."""
    return 0 if packet.is_key else packet.time_bits


def _units(reference: Left) -> Units:
    if reference.last is None:
        raise CorruptPacketError("expected a compact reference, got a lossless one")
    return reference.last
