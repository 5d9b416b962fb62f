"""The receiver's view of one stream: the states that packets may refer to, by sequence number."""

from __future__ import annotations

from codec.errors import (
    CorruptPacketError,
    FuturePacketError,
    MissingReferenceError,
    ReplayedPacketError,
)
from codec.packet import SEQUENCE_BITS, SHORT_SEQUENCE_BITS, Packet, unwrap
from codec.predict import HISTORY, CodecState, decode_key_body, decode_predicted_body

MAX_DROPOUT = 3000
"""Packets that may be missing in a row before a stream counts as another (RFC 3550, A.1)."""
MAX_PTS_AHEAD_MS = 120_000
"""How far a key packet's time may lie ahead of the newest one's."""


class StateHistory:
    """The last `HISTORY` sequence numbers of one stream.

    Only packets whose checksum holds leave a trace. A key packet's checksum is verified by the
    caller; a predicted packet's needs the reference and is verified here.
    """

    def __init__(self) -> None:
        self._states: dict[int, CodecState] = {}
        self._newest: CodecState | None = None
        self.accepted = 0

    def knows(self, packet: Packet) -> bool:
        """Whether this very packet, byte for byte as far as the checksum tells, was accepted."""
        state = self._states.get(self._sequence(packet))
        return state is not None and state.check == packet.check

    def accept(self, packet: Packet) -> CodecState:
        """Decodes a packet and remembers what it leaves behind.

        Raises:
            ReplayedPacketError: its sequence number was accepted, or is too old to tell.
            FuturePacketError: its sequence number or time is implausibly far ahead.
            MissingReferenceError: its reference was lost or never seen.
            CorruptPacketError: damaged, or of another stream.
        """
        sequence = self._sequence(packet)
        if self._newest is not None:
            ahead = sequence - self._newest.sequence
            if sequence in self._states or ahead <= -HISTORY:
                raise ReplayedPacketError(
                    f"expected a new sequence number after {self._newest.sequence - HISTORY}, "
                    f"got {sequence}"
                )
            if ahead > MAX_DROPOUT:
                raise FuturePacketError(
                    f"expected a sequence number within {MAX_DROPOUT} after "
                    f"{self._newest.sequence}, got {sequence}"
                )
        state = (
            self._decode_key(packet, sequence)
            if packet.is_key
            else self._decode_predicted(packet, sequence)
        )
        self._remember(state)
        return state

    def _sequence(self, packet: Packet) -> int:
        bits = SEQUENCE_BITS if packet.is_key else SHORT_SEQUENCE_BITS
        near = packet.sequence if self._newest is None else self._newest.sequence
        return unwrap(packet.sequence, bits, near)

    def _decode_key(self, packet: Packet, sequence: int) -> CodecState:
        newest = self._newest
        if newest is not None and sequence > newest.sequence:
            ahead_ms = packet.pts_ms - newest.pts_ms
            if not 0 <= ahead_ms <= MAX_PTS_AHEAD_MS:
                raise FuturePacketError(
                    f"expected a time 0 to {MAX_PTS_AHEAD_MS} ms after the newest packet's, "
                    f"got {ahead_ms} ms"
                )
        body = decode_key_body(packet.body, packet.profile)
        return CodecState(
            sequence,
            packet.pts_ms,
            packet.interval,
            packet.profile,
            packet.tracking,
            body.symbols,
            body.scales,
            packet.check,
        )

    def _decode_predicted(self, packet: Packet, sequence: int) -> CodecState:
        reference = self._states.get(sequence - packet.distance)
        if reference is None:
            raise MissingReferenceError(
                f"expected the reference {sequence - packet.distance} of packet {sequence} "
                "to have arrived, got none"
            )
        packet.verify(reference.check)
        if packet.profile is not reference.profile:
            raise CorruptPacketError(
                f"expected the reference's profile {reference.profile.name}, "
                f"got {packet.profile.name}"
            )
        body = decode_predicted_body(packet.body, reference, packet.distance)
        return CodecState(
            sequence,
            body.pts_ms,
            reference.interval,
            packet.profile,
            packet.tracking,
            body.symbols,
            body.scales,
            packet.check,
        )

    def _remember(self, state: CodecState) -> None:
        self._states[state.sequence] = state
        self.accepted += 1
        if self._newest is None or state.sequence > self._newest.sequence:
            self._newest = state
            oldest = state.sequence - HISTORY
            for sequence in [past for past in self._states if past <= oldest]:
                del self._states[sequence]
