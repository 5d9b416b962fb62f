"""A byte-wise range coder for small signed integers, specified in integers alone.

The coder is ours, and not a library's, for two reasons. A message is one frame of about ten
bytes: a coder that flushes whole 32-bit words would waste up to four of them, this one flushes
the fewest bytes that decode uniquely. And it must give the same bytes on every machine for
years: nothing here is a float, and `docs/protocol.md` repeats the recipe.

Model and coder are separate: `SCALE_CLASSES` are the frequency tables, `RangeEncoder` and
`RangeDecoder` share the method `code`, so that one function describes a message for both
directions (see `codec.predict`).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import isqrt, log2
from typing import Protocol

from codec.errors import CorruptPacketError

TOTAL_BITS = 15
"""Frequencies of a table add up to 2 ** TOTAL_BITS."""
MIN_LEVEL = 1
"""The smallest expected magnitude that has a table, in 1/256 symbols."""
LEAST_CLASS_LEVEL = 4
"""The smallest that has a class; those below have a table each."""
MAX_LEVEL_BITS = 25
CLASSES = 2 * (MAX_LEVEL_BITS - 2)
"""Classes of expected magnitudes, two in an octave."""
ESCAPE_ORDER = 3
MAX_ESCAPE_PREFIX = 16

_TOTAL = 1 << TOTAL_BITS
_TOP = 1 << 32
_BOTTOM = 1 << 24
_TABLE_LEVEL_BITS = 12
"""Expected magnitudes from 16 symbols up share the tables of [8, 16) and send low bits raw."""


@dataclass(frozen=True, slots=True)
class ScaleClass:
    """The frequency table of one class of expected magnitudes.

    Attributes:
        starts: cumulative frequencies of the values 0, 1, -1, 2, -2, … ±limit, then of the
            escape, then the total. Zero comes first: a message of zeros takes no bytes.
        limit: the largest magnitude that the table codes.
        shift: how many low bits of the value are sent raw, below the table's value.
    """

    starts: tuple[int, ...]
    limit: int
    shift: int


@dataclass(frozen=True, slots=True)
class Bits:
    """A field of bits as they are.

    Attributes:
        value: at least 0.
        count: at most 16.
    """

    value: int
    count: int


NO_BITS = Bits(0, 0)


class ValueCoder(Protocol):
    """One direction of the coder: a writer returns the value it wrote, a reader the one read."""

    def code(self, value: int, level: int) -> int:
        """Codes one value whose magnitude is expected to be level / 256."""


def class_index(level: int) -> int:
    """Returns the class of an expected magnitude of level / 256: two classes per octave."""
    level = max(level, LEAST_CLASS_LEVEL)
    bits = level.bit_length()
    if bits > MAX_LEVEL_BITS:
        return 2 * (MAX_LEVEL_BITS - 3) + 1
    return 2 * (bits - 3) + ((level >> (bits - 2)) & 1)


def class_level(index: int) -> int:
    """Returns an expected magnitude in the middle of a class, in 1/256."""
    octave, half = divmod(index, 2)
    return (5 + 2 * half) << octave


def geometric_starts(mean: int) -> tuple[int, ...]:
    """Returns the cumulative frequencies of a two-sided geometric distribution.

    P(k) = P(0) θ^|k| with P(0) = (1 - θ) / (1 + θ), whose mean magnitude m = 2 θ / (1 - θ²)
    gives θ = (sqrt(1 + m²) - 1) / m. All of it in integers: θ in 1/65536, frequencies in
    1/65536 before they are rounded down. Values whose frequency rounds to zero are left to
    the escape, which takes what the rounding leaves (at least one).

    Args:
        mean: m in 1/256.
    """
    theta = (isqrt(((1 << 16) + mean * mean) << 32) - (1 << 24)) // mean
    precise = ((_TOTAL << 16) * ((1 << 16) - theta)) // ((1 << 16) + theta)
    frequencies: list[int] = []
    while precise >> 16:
        frequencies.append(precise >> 16)
        precise = (precise * theta) >> 16
    starts = [0]
    for magnitude, frequency in enumerate(frequencies):
        for _ in range(2 if magnitude else 1):
            starts.append(starts[-1] + frequency)
    return (*starts, _TOTAL)


def _build_classes() -> tuple[ScaleClass, ...]:
    classes: list[ScaleClass] = []
    for index in range(CLASSES):
        octave, half = divmod(index, 2)
        bits = min(octave + 3, _TABLE_LEVEL_BITS)
        width = 1 << (bits - 2)
        starts = geometric_starts((2 + half) * width + width // 2)
        classes.append(ScaleClass(starts, (len(starts) - 3) // 2, octave + 3 - bits))
    return tuple(classes)


def _build_least() -> tuple[ScaleClass, ...]:
    starts = [geometric_starts(max(level, MIN_LEVEL)) for level in range(LEAST_CLASS_LEVEL)]
    return tuple(ScaleClass(row, (len(row) - 3) // 2, 0) for row in starts)


SCALE_CLASSES = _build_classes()
_USUAL_CLASSES = _build_least() + tuple(
    SCALE_CLASSES[class_index(level)] for level in range(LEAST_CLASS_LEVEL, 1 << 12)
)
"""By level, of the levels that nearly all values have."""


def scale_class(level: int) -> ScaleClass:
    """Returns the table of an expected magnitude of level / 256."""
    usual = level < len(_USUAL_CLASSES)
    return _USUAL_CLASSES[level] if usual else SCALE_CLASSES[class_index(level)]


def bits_of_size(size: int, scale: ScaleClass) -> float:
    """What a value of a magnitude takes by a table, its sign included; never used to code."""
    high = size >> scale.shift
    interval = min(2 * high, len(scale.starts) - 2)
    spent = scale.shift + TOTAL_BITS - log2(scale.starts[interval + 1] - scale.starts[interval])
    if high > scale.limit:
        beyond = (high - scale.limit + 7).bit_length()
        spent += 2 * beyond - 5
    return spent


class RangeEncoder:
    """Narrows an interval by each value; the interval's shortest binary name is the message.

    `low` is one unbounded integer, so a carry needs no care; a message is some ten bytes.

    Args:
        first: the message's first bits.
    """

    __slots__ = ("_low", "_range", "_shifted")

    def __init__(self, first: Bits = NO_BITS) -> None:
        self._low = 0
        self._range = _TOP
        self._shifted = 0  # bits that the interval has been scaled up by
        self.bits(first.value, first.count)

    def code(self, value: int, level: int) -> int:
        """Writes one value whose magnitude is expected to be level / 256, and returns it."""
        table = scale_class(level)
        limit, shift = table.limit, table.shift
        high = value >> shift
        if -limit <= high <= limit:
            index = 2 * high - 1 if high > 0 else -2 * high
            self._narrow(table.starts[index], table.starts[index + 1])
        else:
            self._narrow(table.starts[2 * limit + 1], _TOTAL)
            self._escape(high, limit)
        if shift:
            self.bits(value & ((1 << shift) - 1), shift)
        return value

    def bits(self, value: int, count: int) -> None:
        """Writes `count` (at most 16) equally likely bits."""
        self._range >>= count
        self._low += value * self._range
        self._renormalize()

    def finish(self) -> bytes:
        """Returns the fewest bytes that, continued by zeros, name a point of the interval."""
        width = 32 + self._shifted
        for count in range(width // 8 + 1):
            rest = width - 8 * count
            point = -(-self._low >> rest)  # rounded up
            if (point << rest) < self._low + self._range:
                return point.to_bytes(count, "big")
        raise AssertionError("an interval always holds an integer")

    def _escape(self, high: int, limit: int) -> None:
        self.bits(int(high < 0), 1)
        excess = abs(high) - limit - 1 + (1 << ESCAPE_ORDER)
        prefix = excess.bit_length() - 1 - ESCAPE_ORDER
        if prefix > MAX_ESCAPE_PREFIX:
            raise AssertionError(f"escaped value {high} is out of the coder's range")
        for _ in range(prefix):
            self.bits(1, 1)
        if prefix < MAX_ESCAPE_PREFIX:
            self.bits(0, 1)
        for shift, count in _chunks(prefix + ESCAPE_ORDER):
            self.bits((excess >> shift) & ((1 << count) - 1), count)

    def _narrow(self, start: int, end: int) -> None:
        unit = self._range >> TOTAL_BITS
        self._low += unit * start
        self._range = unit * (end - start)
        self._renormalize()

    def _renormalize(self) -> None:
        while self._range < _BOTTOM:
            self._range <<= 8
            self._low <<= 8
            self._shifted += 8


class RangeDecoder:
    """Reads what `RangeEncoder` wrote; zeros follow the last byte without end.

    Args:
        data: the message.
        skip: bits that it begins with, which are known already.
    """

    __slots__ = ("_code", "_data", "_position", "_range")

    def __init__(self, data: bytes, skip: int = 0) -> None:
        self._data = data
        self._position = 4
        self._code = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
        self._range = _TOP
        self.bits(skip)

    def code(self, value: int, level: int) -> int:
        """Returns the next value, whose magnitude is expected to be level / 256.

        Args:
            value: ignored; it is there because the writer has the same signature.
            level: as the writer was given.

        Raises:
            CorruptPacketError: no writer produces these bytes.
        """
        table = scale_class(level)
        limit, shift = table.limit, table.shift
        unit = self._range >> TOTAL_BITS
        point = self._code // unit
        if point >= _TOTAL:
            raise CorruptPacketError("expected a point inside the coder's interval, got one beyond")
        index = bisect_right(table.starts, point) - 1
        start = table.starts[index]
        self._code -= unit * start
        self._range = unit * (table.starts[index + 1] - start)
        self._renormalize()
        if index > 2 * limit:
            high = self._escape(limit)
        else:
            high = (index + 1) // 2 if index % 2 else -(index // 2)
        return (high << shift) | self.bits(shift) if shift else high

    def bits(self, count: int) -> int:
        """Returns the next `count` (at most 16) equally likely bits.

        Raises:
            CorruptPacketError: no writer produces these bytes.
        """
        self._range >>= count
        value = self._code // self._range
        if value >> count:
            raise CorruptPacketError("expected a point inside the coder's interval, got one beyond")
        self._code -= value * self._range
        self._renormalize()
        return value

    def _escape(self, limit: int) -> int:
        negative = self.bits(1)
        prefix = 0
        while prefix < MAX_ESCAPE_PREFIX and self.bits(1):
            prefix += 1
        excess = 1
        for _, count in _chunks(prefix + ESCAPE_ORDER):
            excess = (excess << count) | self.bits(count)
        magnitude = excess - (1 << ESCAPE_ORDER) + limit + 1
        return -magnitude if negative else magnitude

    def _renormalize(self) -> None:
        while self._range < _BOTTOM:
            byte = self._data[self._position] if self._position < len(self._data) else 0
            self._position += 1
            self._range <<= 8
            self._code = (self._code << 8) | byte


def _chunks(count: int) -> list[tuple[int, int]]:
    """Splits a field of `count` bits, high bits first, into (shift, count ≤ 16) pieces."""
    if count <= 16:
        return [(0, count)]
    return [(count - 16, 16), *_chunks(count - 16)]
