"""FaceStates in, packets out: each packet holds the frames of about an eighth of a second."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from codec.allocate import Price, usual_price
from codec.block import encode_block, reconstruct
from codec.compact import CompactFrame, compress
from codec.entropy import NO_BITS, Bits
from codec.errors import CodecError
from codec.face import FaceState
from codec.half import finite, to_halves
from codec.halves import encode_halves
from codec.history import Left, span_of
from codec.pace import MAX_DISTANCE
from codec.packet import (
    MAX_PTS_MS,
    NO_REFERENCE,
    PTS_BITS,
    SEQUENCE_BITS,
    SHORT_SEQUENCE_BITS,
    TIME_BITS,
    Kind,
    Packet,
    Place,
    speaker_prefix,
    unwrap,
)
from codec.profile import Profile
from codec.quality import LIVE_LATENCY_MS, RECORDED_LATENCY_MS, USUAL_QUALITY, Quality
from codec.rate import RateController
from codec.sensitivity import Sensitivity
from codec.sent import SentPackets
from codec.signal import MAX_FRAMES, SignalModel, Units

MAX_GAP_MS = 5_000
"""A frame farther than this from the one before, or before it in time, begins another timeline:
short headers would be taken for other times."""
MAX_KEY_INTERVAL = 1 << SHORT_SEQUENCE_BITS - 1
"""Who lost everything from one key packet to the next still takes its number for the right one."""
KEYS_TO_ENTER = 2
"""Key packets in a row where somebody enters the stream: one may be lost."""


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """How frames become packets.

    A key packet says everything in full. The packets between are headed shortly and most stand
    alone all the same: losing one costs its own frames and no other. Where receivers tell what
    they hold (`Encoder.acknowledge`), packets refer to that, which is as safe; and while nothing
    was lost for long, to the packet before, a few in a row. Where nobody tells, a still face
    refers to the last packet that stands alone, at most `refer_within` back: were that one lost,
    the picture that stays is the right one.

    Attributes:
        latency_ms: how long a frame may wait for those that share its packet.
        frame_interval_ms: assumed until two frames have come.
        price_of_bit: λ: what share of the picture's usual squared error a bit has to save.
        quantiser: of the step, see `codec.block`.
        target_kbps: of compact packets, headers included, which is held by moving the two above;
            None: quality is held instead.
        key_interval: packets from one key packet to the next; twice as many while receivers have
            lost nothing for long, up to `MAX_KEY_INTERVAL`.
        refer_within: packets from a reference to the last that refers to it, where nobody tells.
        refer_saving: share of its bits that a packet must save to refer to another, likewise.
        chain: packets in a row that may each need one before it that nobody has told to hold,
            while receivers have lost nothing for long.
        reliable: whether no packet can be lost, as in a file. Then any packet may refer to the
            one before, whatever that saves, and one key packet is enough to enter.
        first_sequence: sequence number of the first packet. A sender should draw it at random
            (RFC 3550, section 5.1), so that a restart is never taken for a replay.
    """

    latency_ms: float = LIVE_LATENCY_MS
    frame_interval_ms: float = 40.0
    price_of_bit: float = USUAL_QUALITY.price_of_bit
    quantiser: int = USUAL_QUALITY.quantiser
    target_kbps: float | None = None
    key_interval: int = 16
    refer_within: int = 6
    refer_saving: float = 0.3
    chain: int = 1
    reliable: bool = False
    first_sequence: int = 0

    def __post_init__(self) -> None:
        """Checks the ranges.

        Raises:
            CodecError: a field is out of its range.
        """
        if not 0 <= self.latency_ms <= 1000:
            raise CodecError(f"expected a latency of 0 to 1000 ms, got {self.latency_ms}")
        if not 0 < self.frame_interval_ms < 1000:
            raise CodecError(
                f"expected a frame interval of 0 to 1000 ms, got {self.frame_interval_ms}"
            )
        if not self.price_of_bit >= 0:
            raise CodecError(f"expected a price of 0 or more, got {self.price_of_bit}")
        if self.target_kbps is not None and not 0.1 <= self.target_kbps <= 1000:
            raise CodecError(f"expected a target of 0.1 to 1000 kbps, got {self.target_kbps}")
        if not 1 <= self.key_interval <= MAX_KEY_INTERVAL:
            raise CodecError(
                f"expected a key interval of 1 to {MAX_KEY_INTERVAL}, got {self.key_interval}"
            )
        if not 0 <= self.refer_within <= MAX_DISTANCE:
            raise CodecError(
                f"expected references of 0 to {MAX_DISTANCE} back, got {self.refer_within}"
            )
        if not 0 <= self.chain <= MAX_DISTANCE:
            raise CodecError(f"expected a chain of 0 to {MAX_DISTANCE}, got {self.chain}")
        if not 0 <= self.first_sequence < 1 << SEQUENCE_BITS:
            raise CodecError(
                f"expected a first sequence number of 16 bits, got {self.first_sequence}"
            )


RECORDED = EncoderConfig(latency_ms=RECORDED_LATENCY_MS, key_interval=32, reliable=True)
"""For a file: nobody waits for frames, and nothing is lost."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A packet, what it leaves behind, and what it refers to."""

    packet: Packet
    left: Left
    referred: Left | None


class Encoder:
    """Turns face states into packets, in order of capture."""

    def __init__(
        self,
        speaker_id: str,
        model: SignalModel,
        profile: Profile = Profile.COMPACT,
        config: EncoderConfig | None = None,
    ) -> None:
        """Prepares a stream; its first packets are key packets.

        Args:
            speaker_id: sha256 of the speaker file, 64 hexadecimal digits.
            model: of the speaker file.
            profile: compact or lossless.
            config: how frames become packets.

        Raises:
            CodecError: the speaker id is not valid.
        """
        self._prefix = speaker_prefix(speaker_id)
        self._model = model
        self._profile = profile
        self._config = config or EncoderConfig()
        self._usual = usual_price()
        quality = Quality(self._config.quantiser, self._config.price_of_bit)
        target_kbps = self._config.target_kbps
        self._quality = quality
        self._rate = None if target_kbps is None else RateController(target_kbps * 1e3, quality)
        self._last_ms: int | None = None
        self._waiting: list[FaceState] = []
        self._prices: list[Price] = []
        self._interval_ms = self._config.frame_interval_ms
        self._latency_ms = self._config.latency_ms
        saving = 0.0 if self._config.reliable else self._config.refer_saving
        self._sent = SentPackets(self._config.refer_within, saving, self._config.chain)
        self._key = 0
        self._keys_due = self._keys_to_enter
        self._sequence = self._config.first_sequence

    @property
    def _keys_to_enter(self) -> int:
        return 1 if self._config.reliable else KEYS_TO_ENTER

    @property
    def waiting(self) -> int:
        """Frames that wait for others to share their packet."""
        return len(self._waiting)

    def request_key(self) -> None:
        """Makes the next packets key packets, for a receiver that enters the stream."""
        self._keys_due = self._keys_to_enter

    @property
    def sequence(self) -> int:
        """The next packet's number."""
        return self._sequence

    def acknowledge(self, sequences: Collection[int], *, calm: bool = False) -> None:
        """Says which packets every receiver holds; from now on what is sent depends on that.

        Args:
            sequences: their numbers.
            calm: whether no receiver has lost any for long.
        """
        self._sent.acknowledge(sequences, calm=calm)

    def wait_at_most(self, latency_ms: float) -> None:
        """Lets frames wait no longer than this for others, nor than `EncoderConfig.latency_ms`."""
        self._latency_ms = min(latency_ms, self._config.latency_ms)

    def encode(self, state: FaceState, sensitivity: Sensitivity | None = None) -> bytes | None:
        """Takes a frame; returns the packet that is complete now, if one is.

        If `waiting` is 1 afterwards, the packet holds the frames before this one, else this one
        as well.

        Args:
            state: of the frame.
            sensitivity: of its picture; None: what it usually is.

        Raises:
            QuantizationError: a number is not finite; the stream goes on with the next state.
            CodecError: the time does not fit the wire, or is the last frame's.
        """
        finite(state.vector())
        if not 0 <= state.pts_ms <= MAX_PTS_MS:
            raise CodecError(f"expected a time of 0 to {MAX_PTS_MS} ms, got {state.pts_ms} ms")
        gap_ms = None if self._last_ms is None else state.pts_ms - self._last_ms
        if gap_ms == 0:
            raise CodecError(f"expected another time than {self._last_ms} ms, got it again")
        jumped = gap_ms is not None and not 0 < gap_ms <= MAX_GAP_MS
        if self._waiting:
            waited_ms = state.pts_ms - self._waiting[0].pts_ms
            other = state.tracking is not self._waiting[0].tracking
            if jumped or other or waited_ms > self._latency_ms:
                packet = self.flush()
                self._take(state, sensitivity, jumped)
                return packet
            self._interval_ms = gap_ms or self._interval_ms
        self._take(state, sensitivity, jumped)
        waited_ms = state.pts_ms - self._waiting[0].pts_ms
        full = len(self._waiting) == MAX_FRAMES
        if full or waited_ms + self._interval_ms > self._latency_ms:
            return self.flush()
        return None

    def flush(self) -> bytes | None:
        """Returns the packet of the frames that wait, if any do."""
        if not self._waiting:
            return None
        states, prices = self._waiting, self._prices
        self._waiting, self._prices = [], []
        compact = self._profile is Profile.COMPACT
        made = self._compact(states, prices) if compact else self._lossless(states)
        is_base = made.referred is None or self._config.reliable
        self._sent.remember(made.left, made.referred, is_base=is_base)
        if made.packet.is_key:
            self._key = made.left.sequence
            self._keys_due = max(self._keys_due - 1, 0)
        self._sequence += 1
        return bytes(made.packet)

    def _take(self, state: FaceState, sensitivity: Sensitivity | None, jumped: bool) -> None:
        if jumped:
            self.request_key()
        self._last_ms = state.pts_ms
        self._waiting.append(state)
        self._prices.append(self._usual if sensitivity is None else sensitivity.price(self._model))

    def _compact(self, states: Sequence[FaceState], prices: list[Price]) -> _Made:
        frames = CompactFrame.of(states, prices, self._model)
        made = self._compressed(states, frames)
        if self._rate is not None:
            duration_ms = frames.times_ms[-1] + self._interval_ms
            if self._rate.misses(8 * len(bytes(made.packet)), duration_ms):
                self._quality = self._rate.quality
                made = self._compressed(states, frames)
            self._rate.sent(8 * len(bytes(made.packet)), duration_ms)
            self._quality = self._rate.quality
        return made

    def _compressed(self, states: Sequence[FaceState], frames: CompactFrame) -> _Made:
        references = [] if self._is_key_due() else self._sent.references(self._sequence)
        block = compress(frames, self._model, self._quality, references)
        referred = self._sent[self._sequence - block.distance] if block.distance else None
        time = self._time_bits(states[0].pts_ms)
        body = encode_block(block, self._model, time)
        packet = self._seal(states[0], time, body, referred)
        units = reconstruct(block, None if referred is None else referred.last)
        left = self._what_is_left(packet, states[0], frames.times_ms, units[-1])
        return _Made(packet, left, referred)

    def _lossless(self, states: Sequence[FaceState]) -> _Made:
        times_ms = tuple(state.pts_ms - states[0].pts_ms for state in states)
        halves = [to_halves(state.vector()) for state in states]
        time = self._time_bits(states[0].pts_ms)
        body = encode_halves(times_ms, halves, self._model, time)
        packet = self._seal(states[0], time, body, None)
        return _Made(packet, self._what_is_left(packet, states[0], times_ms, None), None)

    def _what_is_left(
        self, packet: Packet, first: FaceState, times_ms: tuple[int, ...], last: Units | None
    ) -> Left:
        return Left(self._sequence, first.pts_ms, span_of(times_ms), packet.check, last)

    def _time_bits(self, pts_ms: int) -> Bits:
        """The lowest bits of a packet's time: as many as tell it whatever was lost."""
        if self._is_key_due():
            return NO_BITS
        known = self._sent.before(self._sequence)
        for bits in TIME_BITS:
            low = pts_ms % (1 << bits)
            expected = (left.expected_ms(self._sequence) for left in known)
            if all(unwrap(low, bits, near) == pts_ms for near in expected):
                break
        return Bits(low, bits)

    def _is_key_due(self) -> bool:
        interval = self._config.key_interval
        if self._sent.is_calm:
            interval = min(2 * interval, MAX_KEY_INTERVAL)
        return self._keys_due > 0 or self._sequence - self._key >= interval

    def _seal(self, first: FaceState, time: Bits, body: bytes, reference: Left | None) -> Packet:
        if self._is_key_due():
            kind, bits, low, time_bits = Kind.KEY, SEQUENCE_BITS, first.pts_ms, PTS_BITS
        else:
            kind = Kind.ALONE if reference is None else Kind.REFERRING
            bits, low, time_bits = SHORT_SEQUENCE_BITS, time.value, time.count
        check = NO_REFERENCE if reference is None else reference.check
        place = Place(self._prefix, self._sequence, first.pts_ms, check)
        return Packet(
            kind,
            self._profile,
            first.tracking,
            self._sequence % (1 << bits),
            low,
            time_bits,
            body,
            self._prefix if kind is Kind.KEY else b"",
        ).sealed(place)
