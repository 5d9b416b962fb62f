"""What both ends know after a packet, and how the next packet's numbers follow from it.

A packet's numbers are coded as differences from one earlier packet, its reference. Everything
that shapes the probabilities comes from the reference as well, never from "the last packet
received": whatever was lost in between, two ends that hold the reference agree on every bit.

Expected magnitudes (the "scales", in 1/256 symbols) adapt along the chain of references; inside
a packet one more factor follows the activity of the channels already coded, because a head that
moves more than expected moves in all its channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from codec.entropy import MIN_LEVEL, RangeDecoder, RangeEncoder, ValueCoder
from codec.errors import CorruptPacketError
from codec.face import BACKGROUND_DIM, CHANNELS, Tracking
from codec.quantize import SYMBOL_RANGE, Profile

HISTORY = 64
"""States that both ends keep; references reach back at most HISTORY - 1 packets."""

INTERVAL_UNITS = 64
"""Frame intervals are in 1/64 ms."""

_GROWTH = (16, 16, 28, 39, 49, 58, 67, 76, 84, 93, 101, 109, 117, 125)
_GROWTH_MAX = 128
_ACTIVITY_PRIOR = 2048  # as if 8 channels had moved as expected
_ACTIVITY_CAP = 1024  # one channel counts for at most 4
_ACTIVITY_FLOOR = 77  # 0.3 symbols: a channel at rest says little
_ADAPTATION_SHIFT = 3
_MAX_SCALE_BITS = 24
_FIRST_OCTAVE = 9  # 1..2 symbols
_OCTAVE_LEVEL = 256  # neighbouring groups differ by about one octave
_LEAST_SCALE = 3 << (MIN_LEVEL.bit_length() - 2)  # the middle of the lowest octave

Groups = Sequence[tuple[int, int]]

_PERSON = CHANNELS - BACKGROUND_DIM
"""Channels before the background's."""
_SCALE_GROUPS = ((0, 30), (30, 33), (33, 36), (36, 40), (40, _PERSON), (CHANNELS, CHANNELS + 1))
_BACKGROUND_GROUP = (_PERSON, CHANNELS)
"""Channels that share one scale in a key packet: expression, rotation, translation, torso's
linear part, torso's shift, time; background. One each would cost more than it saves."""

# Magnitudes of the numbers themselves, in 1/256 symbols: what a key packet's channels are
# expected to hold when each has its usual step.
_KEY_SCALES = {
    Profile.COMPACT: (8 << 8,) * 30
    + (64 << 8,) * 5
    + (400 << 8,)
    + (24 << 8,) * 6
    + (64 << 8,) * BACKGROUND_DIM,
    Profile.LOSSLESS: (8192 << 8,) * CHANNELS,
}


@dataclass(frozen=True, slots=True)
class CodecState:
    """What a packet leaves behind at both ends, for later packets to refer to.

    Attributes:
        sequence: unwrapped sequence number.
        pts_ms: presentation time.
        interval: frame interval of the last key packet, in 1/64 ms.
        profile: how the symbols are to be read.
        tracking: status of the frame.
        symbols: the CHANNELS reconstructed symbols.
        scales: expected magnitudes of the next differences at distance 1, in 1/256: one per
            channel, then one of the presentation time in ms.
        check: the packet's checksum, which seeds that of every packet that refers to it.
    """

    sequence: int
    pts_ms: int
    interval: int
    profile: Profile
    tracking: Tracking
    symbols: tuple[int, ...]
    scales: tuple[int, ...]
    check: int


@dataclass(frozen=True, slots=True)
class Body:
    """What a packet's entropy-coded part says.

    Attributes:
        symbols: the CHANNELS reconstructed symbols.
        scales: as in `CodecState`.
        pts_ms: presentation time (of a key packet: 0, its header has it).
    """

    symbols: tuple[int, ...]
    scales: tuple[int, ...]
    pts_ms: int


def growth(distance: int) -> int:
    """Returns how much larger differences are `distance` packets apart than 1 apart, in 1/16.

    About distance ** 0.8, which tracked faces follow until differences saturate at 8.
    """
    return _GROWTH[distance] if distance < len(_GROWTH) else _GROWTH_MAX


def adapt_scale(scale: int, difference: int, factor: int) -> int:
    """Moves an expected magnitude (1/256) an eighth of the way to the observed one.

    Args:
        scale: expected magnitude at distance 1.
        difference: what was observed.
        factor: `growth` of the distance at which it was observed.
    """
    moved = scale + (((abs(difference) << 12) // factor - scale) >> _ADAPTATION_SHIFT)
    return min(max(moved, MIN_LEVEL), (1 << _MAX_SCALE_BITS) - 1)


def expected_pts_ms(reference: CodecState, distance: int) -> int:
    """Returns when a packet `distance` after the reference is due, if frames come evenly."""
    ahead = distance * reference.interval + INTERVAL_UNITS // 2
    return reference.pts_ms + ahead // INTERVAL_UNITS


def encode_key_body(
    symbols: Sequence[int], scales: Sequence[int], profile: Profile
) -> tuple[bytes, Body]:
    """Codes symbols on their own, with the scales that the next packets start from.

    Args:
        symbols: CHANNELS integers of the profile's symbol range.
        scales: CHANNELS + 1 expected magnitudes; only each group's mean octave is sent.
        profile: which magnitudes to expect of the symbols.

    Returns:
        The bytes, and what a decoder will read from them.
    """
    coder = RangeEncoder()
    body = _code_key(coder, symbols, scales, profile)
    return coder.finish(), body


def decode_key_body(body: bytes, profile: Profile) -> Body:
    """Reads what `encode_key_body` wrote.

    Raises:
        CorruptPacketError: no encoder writes these bytes.
    """
    decoded = _code_key(RangeDecoder(body), [0] * CHANNELS, [0] * (CHANNELS + 1), profile)
    _checked(decoded.symbols, profile)
    return decoded


def encode_predicted_body(
    symbols: Sequence[int], pts_ms: int, reference: CodecState, distance: int
) -> tuple[bytes, Body]:
    """Codes symbols and time as differences from a reference.

    Args:
        symbols: CHANNELS integers of the profile's symbol range.
        pts_ms: presentation time.
        reference: the state that the decoder will look up.
        distance: sequence numbers since the reference, 1 to HISTORY - 1.

    Returns:
        The bytes, and what a decoder will read from them.
    """
    coder = RangeEncoder()
    differences = [a - b for a, b in zip(symbols, reference.symbols, strict=True)]
    lateness = pts_ms - expected_pts_ms(reference, distance)
    body = _code_predicted(coder, differences, lateness, reference, distance)
    return coder.finish(), body


def decode_predicted_body(body: bytes, reference: CodecState, distance: int) -> Body:
    """Reads what `encode_predicted_body` wrote.

    Raises:
        CorruptPacketError: no encoder writes these bytes.
    """
    decoded = _code_predicted(RangeDecoder(body), [0] * CHANNELS, 0, reference, distance)
    if decoded.pts_ms < 0:
        raise CorruptPacketError(f"expected a time from 0 ms on, got {decoded.pts_ms} ms")
    _checked(decoded.symbols, reference.profile)
    return decoded


def _code_key(
    coder: ValueCoder, symbols: Sequence[int], scales: Sequence[int], profile: Profile
) -> Body:
    """Writes or reads a key body; reading ignores `symbols` and `scales`.

    A camera that stands still says so once instead of sending a scale and four zeros.
    """
    usual = _KEY_SCALES[profile]
    octaves = _code_octaves(coder, _group_octaves(scales, _SCALE_GROUPS))
    *person_scales, time_scale = _scales_of(octaves, _SCALE_GROUPS)
    person = _code_differences(coder, symbols[:_PERSON], usual[:_PERSON], growth(1))
    moved = coder.code(int(any(symbols[_PERSON:])), MIN_LEVEL)
    if moved not in (0, 1):
        raise CorruptPacketError(f"expected a background at rest (0) or not (1), got {moved}")
    background, background_scales = [0] * BACKGROUND_DIM, [_LEAST_SCALE] * BACKGROUND_DIM
    if moved:
        octaves = _code_octaves(coder, _group_octaves(scales, (_BACKGROUND_GROUP,)))
        background_scales = _scales_of(octaves, (_BACKGROUND_GROUP,))
        background = _code_differences(coder, symbols[_PERSON:], usual[_PERSON:], growth(1))
    all_scales = (*person_scales, *background_scales, time_scale)
    return Body((*person, *background), all_scales, 0)


def _code_predicted(
    coder: ValueCoder,
    differences: Sequence[int],
    lateness: int,
    reference: CodecState,
    distance: int,
) -> Body:
    """Writes or reads a predicted body; reading ignores `differences` and `lateness`."""
    factor = growth(distance)
    *scales, time_scale = reference.scales
    lateness = coder.code(lateness, time_scale)
    differences = _code_differences(coder, differences, scales, factor)
    adapted = [
        adapt_scale(scale, difference, factor)
        for scale, difference in zip(scales, differences, strict=True)
    ]
    adapted.append(adapt_scale(time_scale, lateness, growth(1)))
    symbols = tuple(a + b for a, b in zip(reference.symbols, differences, strict=True))
    return Body(symbols, tuple(adapted), expected_pts_ms(reference, distance) + lateness)


def _code_differences(
    coder: ValueCoder, values: Sequence[int], scales: Sequence[int], factor: int
) -> list[int]:
    """Writes or reads one value per channel and returns the values.

    Each channel's expected magnitude is its scale, times the growth with distance, times how
    active the earlier channels of this packet were against what was expected of them.
    """
    observed = expected = _ACTIVITY_PRIOR
    coded: list[int] = []
    for value, scale in zip(values, scales, strict=True):
        usual = max((scale * factor) >> 4, MIN_LEVEL)
        actual = coder.code(value, usual * observed // expected)
        coded.append(actual)
        weight = usual + _ACTIVITY_FLOOR
        observed += min((abs(actual) << 16) // weight, _ACTIVITY_CAP)
        expected += (usual << 8) // weight
    return coded


def _code_octaves(coder: ValueCoder, octaves: Sequence[int]) -> list[int]:
    """Writes or reads each group's octave as the difference from the group's before it."""
    previous = _FIRST_OCTAVE
    coded: list[int] = []
    for octave in octaves:
        previous += coder.code(octave - previous, _OCTAVE_LEVEL)
        coded.append(previous)
    return coded


def _group_octaves(scales: Sequence[int], groups: Groups) -> list[int]:
    """Returns the mean octave (bit length) of each group, halves up."""
    octaves = [min(max(scale, MIN_LEVEL).bit_length(), _MAX_SCALE_BITS) for scale in scales]
    return [
        (2 * sum(octaves[start:end]) + end - start) // (2 * (end - start)) for start, end in groups
    ]


def _scales_of(octaves: Sequence[int], groups: Groups) -> list[int]:
    """Returns the middle of its group's octave for each channel.

    Raises:
        CorruptPacketError: an octave that no encoder sends.
    """
    scales: list[int] = []
    for octave, (start, end) in zip(octaves, groups, strict=True):
        if not MIN_LEVEL.bit_length() <= octave <= _MAX_SCALE_BITS:
            raise CorruptPacketError(
                f"expected a scale octave in [{MIN_LEVEL.bit_length()}, {_MAX_SCALE_BITS}], "
                f"got {octave}"
            )
        scales += [3 << (octave - 2)] * (end - start)
    return scales


def _checked(symbols: Sequence[int], profile: Profile) -> tuple[int, ...]:
    lowest, highest = SYMBOL_RANGE[profile]
    if min(symbols) < lowest or max(symbols) > highest:
        raise CorruptPacketError(
            f"expected symbols in [{lowest}, {highest}], got {min(symbols)}..{max(symbols)}"
        )
    return tuple(symbols)
