"""FaceState in, packet bytes out."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from codec.errors import CodecError
from codec.face import CHANNELS, FaceState, Vector
from codec.packet import (
    KEY_CHECK_SEED,
    MAX_PTS_MS,
    SEQUENCE_BITS,
    SHORT_SEQUENCE_BITS,
    Packet,
    speaker_prefix,
)
from codec.predict import (
    HISTORY,
    INTERVAL_UNITS,
    CodecState,
    adapt_scale,
    encode_key_body,
    encode_predicted_body,
    expected_pts_ms,
    growth,
)
from codec.quantize import Profile, check_steps, quantizer

MAX_LATENESS_MS = 5_000
"""A frame further than this from its expected time is sent as a key packet."""


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Which packets refer to which.

    A key packet stands alone; every `group`-th packet after it, an anchor, refers to the key
    packet; the others, links, refer to the packet before them. Losing a link or an anchor costs
    the rest of its group, losing a key packet the rest of its interval.

    Attributes:
        key_interval: packets from one key packet to the next, at most 64.
        group: packets from one anchor to the next.
        frame_interval_ms: assumed until it has been measured.
        first_sequence: sequence number of the first packet. A sender should draw it at random
            (RFC 3550, section 5.1), so that a restart is never taken for a replay.
    """

    key_interval: int = 20
    group: int = 5
    frame_interval_ms: float = 40.0
    first_sequence: int = 0

    def __post_init__(self) -> None:
        """Checks the ranges.

        Raises:
            CodecError: a field is out of its range.
        """
        if not 1 <= self.key_interval <= HISTORY:
            raise CodecError(f"expected a key interval of 1 to {HISTORY}, got {self.key_interval}")
        if self.group < 1:
            raise CodecError(f"expected groups of at least 1 packet, got {self.group}")
        if not 0 < self.frame_interval_ms < 1000:
            raise CodecError(
                f"expected a frame interval of 0 to 1000 ms, got {self.frame_interval_ms}"
            )
        if not 0 <= self.first_sequence < 1 << SEQUENCE_BITS:
            raise CodecError(
                f"expected a first sequence number of 16 bits, got {self.first_sequence}"
            )

    def reference_distance(self, position: int) -> int:
        """Returns how far back the packet `position` packets after a key packet refers."""
        return position if position % self.group == 0 else 1


class Encoder:
    """Turns face states into packets, one each, in order of capture."""

    def __init__(
        self,
        speaker_id: str,
        steps: Vector,
        profile: Profile = Profile.COMPACT,
        config: EncoderConfig | None = None,
    ) -> None:
        """Prepares a stream; its first packet is a key packet.

        Args:
            speaker_id: sha256 of the speaker file, 64 hexadecimal digits.
            steps: (CHANNELS,) float32 quantisation steps of the speaker file.
            profile: compact or lossless.
            config: the reference structure.

        Raises:
            CodecError: the speaker id or a step is not valid.
        """
        self._prefix = speaker_prefix(speaker_id)
        self._profile = profile
        self._config = config or EncoderConfig()
        self._to_symbols, _ = quantizer(profile, check_steps(steps))
        self._states: OrderedDict[int, CodecState] = OrderedDict()
        self._sequence = self._config.first_sequence
        self._interval = round(self._config.frame_interval_ms * INTERVAL_UNITS)
        # Measured over all predicted packets; key packets carry it to whoever joins there.
        self._scales = (2 << 8,) * CHANNELS + (1 << 7,)
        self._key: CodecState | None = None

    def request_key(self) -> None:
        """Makes the next packet a key packet, for a receiver that has lost its reference."""
        self._key = None

    def encode(self, state: FaceState) -> bytes:
        """Returns the packet of one state.

        Raises:
            QuantizationError: a number is not finite; the stream goes on with the next state.
            CodecError: the time does not fit the wire.
        """
        if not 0 <= state.pts_ms <= MAX_PTS_MS:
            raise CodecError(f"expected a time of 0 to {MAX_PTS_MS} ms, got {state.pts_ms} ms")
        symbols = tuple(self._to_symbols(state.vector()).tolist())
        reference = self._reference(state.pts_ms)
        if reference is None:
            packet, coded = self._key_packet(state, symbols)
        else:
            packet, coded = self._predicted_packet(state, symbols, reference)
        self._states[coded.sequence] = coded
        if len(self._states) > HISTORY:
            self._states.popitem(last=False)
        self._sequence += 1
        return bytes(packet)

    def _reference(self, pts_ms: int) -> CodecState | None:
        """Returns what the next packet refers to, None if it must be a key packet."""
        if self._key is None:
            return None
        position = self._sequence - self._key.sequence
        if position >= self._config.key_interval:
            return None
        distance = self._config.reference_distance(position)
        reference = self._states[self._sequence - distance]
        late_ms = pts_ms - expected_pts_ms(reference, distance)
        return reference if abs(late_ms) <= MAX_LATENESS_MS else None

    def _key_packet(self, state: FaceState, symbols: tuple[int, ...]) -> tuple[Packet, CodecState]:
        self._measure_interval(state.pts_ms)
        data, body = encode_key_body(symbols, self._scales, self._profile)
        packet = Packet(
            self._profile,
            state.tracking,
            self._sequence % (1 << SEQUENCE_BITS),
            data,
            pts_ms=state.pts_ms,
            interval=self._interval,
            speaker_prefix=self._prefix,
        ).sealed(KEY_CHECK_SEED)
        self._key = CodecState(
            self._sequence,
            state.pts_ms,
            self._interval,
            self._profile,
            state.tracking,
            body.symbols,
            body.scales,
            packet.check,
        )
        return packet, self._key

    def _predicted_packet(
        self, state: FaceState, symbols: tuple[int, ...], reference: CodecState
    ) -> tuple[Packet, CodecState]:
        distance = self._sequence - reference.sequence
        data, body = encode_predicted_body(symbols, state.pts_ms, reference, distance)
        packet = Packet(
            self._profile,
            state.tracking,
            self._sequence % (1 << SHORT_SEQUENCE_BITS),
            data,
            distance,
        ).sealed(reference.check)
        self._measure_scales(symbols, state.pts_ms, reference, distance)
        coded = CodecState(
            self._sequence,
            body.pts_ms,
            reference.interval,
            self._profile,
            state.tracking,
            body.symbols,
            body.scales,
            packet.check,
        )
        return packet, coded

    def _measure_scales(
        self, symbols: tuple[int, ...], pts_ms: int, reference: CodecState, distance: int
    ) -> None:
        factor = growth(distance)
        *scales, time_scale = self._scales
        lateness = pts_ms - expected_pts_ms(reference, distance)
        self._scales = (
            *(
                adapt_scale(scale, symbol - past, factor)
                for scale, symbol, past in zip(scales, symbols, reference.symbols, strict=True)
            ),
            adapt_scale(time_scale, lateness, growth(1)),
        )

    def _measure_interval(self, pts_ms: int) -> None:
        """Averages the frame interval since the oldest state that is still kept."""
        if not self._states:
            return
        oldest = next(iter(self._states.values()))
        elapsed = (pts_ms - oldest.pts_ms) * INTERVAL_UNITS
        measured = elapsed // (self._sequence - oldest.sequence)
        if 0 < measured < 1 << 16:
            self._interval = measured
