"""A classic video stream over a lossy link: paced to a rate, cut into packets, put together.

As video calls do it (WebRTC): a frame of which a packet is missing cannot be decoded, nor can
those that refer to it, so the picture stands still; the receiver asks for an intra frame, which
costs a second or more of a thin rate, and goes on with that. No I/O; time is an argument.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_CHUNK_BYTES = 1100
"""Of a frame in one datagram."""
BURST_MS = 250.0
"""Of the rate may be saved up while nothing is to be sent."""
PACE = 0.6
"""Of the chosen distance between frames: the least that ever is, when frames are cheap."""
REQUEST_INTERVAL_MS = 500.0
_PACKETS = 1 << 16
_RTP = struct.Struct("!HI???")
"""What a real stream says in its RTP header and the first byte behind it: number of the packet,
time, first and last of its frame, intra."""


class Pacer:
    """Says when the next frame may be coded, so that the rate is held, headers included."""

    def __init__(self, interval_ms: float) -> None:
        """Args: interval_ms: between frames, as chosen."""
        self._least_ms = PACE * interval_ms
        self._credit_bytes = 0.0
        self._counted_ms: float | None = None
        self._coded_ms = float("-inf")

    def may_code(self, now_ms: float, kbps: float) -> bool:
        """Whether a frame that is here now is to be coded.

        Args:
            now_ms: monotonic clock.
            kbps: to hold.
        """
        since_ms = 0.0 if self._counted_ms is None else now_ms - self._counted_ms
        self._counted_ms = now_ms
        self._credit_bytes += kbps * since_ms / 8.0
        self._credit_bytes = min(self._credit_bytes, kbps * BURST_MS / 8.0)
        return self._credit_bytes >= 0.0 and now_ms - self._coded_ms >= self._least_ms

    def coded(self, now_ms: float, wire_bytes: int) -> None:
        """A frame was coded, and takes so many bytes on the wire."""
        self._coded_ms = now_ms
        self._credit_bytes -= wire_bytes


class Packetizer:
    """Cuts frames into datagrams."""

    def __init__(self) -> None:
        self._packets = 0

    def cut(self, data: bytes, pts_ms: int, is_key: bool) -> list[tuple[bytes, bytes]]:
        """Returns the datagrams of a frame: what RTP says, and the payload."""
        starts = range(0, len(data), MAX_CHUNK_BYTES)
        datagrams = []
        for start in starts:
            header = _RTP.pack(
                self._packets, pts_ms % (1 << 32), start == 0, start == starts[-1], is_key
            )
            datagrams.append((header, data[start : start + MAX_CHUNK_BYTES]))
            self._packets = (self._packets + 1) % _PACKETS
        return datagrams


@dataclass(frozen=True, slots=True)
class CodedFrame:
    """A whole frame that can be decoded.

    Attributes:
        data: its bytes.
        pts_ms: presentation time.
        is_key: whether it is intra.
    """

    data: bytes
    pts_ms: int
    is_key: bool


class Assembler:
    """Puts frames together, and notices what is missing.

    Attributes:
        waits_for_key: nothing can be decoded before the next intra frame.
    """

    def __init__(self) -> None:
        self.waits_for_key = True
        self._expected: int | None = None
        self._chunks: list[bytes] | None = None
        self._requested_ms = float("-inf")

    def push(self, header: bytes, payload: bytes) -> CodedFrame | None:
        """Takes in a datagram; returns the frame that it completes, if that can be decoded."""
        packet, pts_ms, is_first, is_last, is_key = _RTP.unpack_from(header)
        if self._expected is not None and packet != self._expected:
            self.waits_for_key = True
            self._chunks = None
        self._expected = (packet + 1) % _PACKETS
        if is_first:
            self._chunks = []
        if self._chunks is None:
            return None
        self._chunks.append(payload)
        if not is_last or (self.waits_for_key and not is_key):
            return None
        self.waits_for_key = False
        return CodedFrame(b"".join(self._chunks), pts_ms, is_key)

    def wants_key(self, now_ms: float) -> bool:
        """Whether the sender is to be asked, now, for an intra frame."""
        if self._expected is None or not self.waits_for_key:
            return False  # there is nobody to ask, or nothing to ask for
        if now_ms - self._requested_ms < REQUEST_INTERVAL_MS:
            return False
        self._requested_ms = now_ms
        return True
