"""Packet bytes in, FaceStates out, or a named error and a counter."""

from __future__ import annotations

from collections import Counter, deque

from codec.errors import MissingReferenceError, PacketError, WrongSpeakerError
from codec.face import FaceState
from codec.history import StateHistory
from codec.packet import Packet, Place, speaker_prefix
from codec.receipt import Receipt
from codec.signal import SignalModel

RESYNC_PACKETS = 3
"""Consistent packets, the key packet among them, that prove a restarted stream."""
REMEMBERED_KEYS = 256


class Decoder:
    """Turns packets into face states, whatever the network did to them.

    A decoder starts at the first key packet that it sees. Packets that a stream's window
    refuses (a sequence number or time far behind or far ahead) may belong to a sender that
    restarted: such a key packet opens a candidate stream, and when `RESYNC_PACKETS` packets in
    a row of refusals decode within the candidate, it replaces the current stream
    (RFC 3550, appendix A.1). A key packet seen before never opens one.

    Attributes:
        counters: packets by outcome: "decoded", or the name of the error that dropped them.
    """

    def __init__(self, speaker_id: str, model: SignalModel) -> None:
        """Prepares to decode one speaker.

        Args:
            speaker_id: sha256 of the speaker file, 64 hexadecimal digits.
            model: of the speaker file.

        Raises:
            CodecError: the speaker id is not valid.
        """
        self.counters: Counter[str] = Counter()
        self._prefix = speaker_prefix(speaker_id)
        self._model = model
        self._stream: StateHistory | None = None
        self._candidate: StateHistory | None = None
        self._key_checks: deque[tuple[int, int]] = deque(maxlen=REMEMBERED_KEYS)

    def decode(self, packet: bytes) -> tuple[FaceState, ...]:
        """Returns the frames of one packet, in whatever order packets come.

        Raises:
            PacketError: the packet was dropped; the subclass says why.
        """
        try:
            states = self._accept(Packet.parse(packet))
        except PacketError as error:
            self.counters[type(error).__name__] += 1
            raise
        self.counters["decoded"] += 1
        return states

    def receipt(self) -> Receipt | None:
        """What to tell the sender of the packets that are here; None before there are any."""
        stream = self._stream
        return None if stream is None or not stream.accepted else stream.receipt()

    def _accept(self, packet: Packet) -> tuple[FaceState, ...]:
        if packet.is_key:
            packet.verify(Place(packet.speaker_prefix, packet.sequence, packet.pts_ms))
            if packet.speaker_prefix != self._prefix:
                raise WrongSpeakerError(
                    f"expected a packet of speaker {self._prefix.hex()}…, "
                    f"got one of {packet.speaker_prefix.hex()}…"
                )
        if self._stream is None:
            if not packet.is_key:
                raise MissingReferenceError("expected a key packet first, got another one")
            self._stream = self._history()
        try:
            states = self._stream.accept(packet)
        except PacketError:
            restarted = self._try_candidate(packet)
            if restarted is None:
                raise
            states = restarted
        if packet.is_key:
            self._key_checks.append((packet.sequence, packet.check))
        return states

    def _try_candidate(self, packet: Packet) -> tuple[FaceState, ...] | None:
        """Offers a refused packet to the candidate stream.

        Returns:
            The packet's frames if it completes the proof that the sender restarted.
        """
        if packet.is_key and (packet.sequence, packet.check) in self._key_checks:
            return None
        states = self._accept_candidate(packet)
        if states is None or self._candidate is None or self._candidate.accepted < RESYNC_PACKETS:
            return None
        self._stream, self._candidate = self._candidate, None
        return states

    def _accept_candidate(self, packet: Packet) -> tuple[FaceState, ...] | None:
        if self._candidate is not None:
            try:
                return self._candidate.accept(packet)
            except PacketError:
                if not packet.is_key or self._candidate.knows(packet):
                    return None
        if not packet.is_key:
            return None
        self._candidate = self._history()
        try:
            return self._candidate.accept(packet)
        except PacketError:
            self._candidate = None
            return None

    def _history(self) -> StateHistory:
        return StateHistory(self._prefix, self._model)
