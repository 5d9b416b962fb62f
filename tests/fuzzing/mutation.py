"""Wrong inputs made from right ones, the same again for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

WORDS = (
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-1", b"0.5", b"1" * 400, b'""', b"[]"),
    *(b"{}", b"[" * 2000, b'{"a":' * 300, b'"\\ud800"', b'"\\u0000"', b"\xff\xfe", b"\xc3"),
    *(b'"type"', b'"x"', b","),
)
"""What parsers of JSON stumble over."""
NUMBERS = tuple(
    value.to_bytes(size, order)
    for size in (1, 2, 4, 8)
    for value in (0, 1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)
    for order in ("big", "little")
)
"""What parsers of binary formats stumble over."""


def mutated(seeds: Sequence[bytes], random: Random) -> bytes:
    """Makes one input, mostly with one to four changes."""
    data = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 4, 16))):
        _change(data, seeds, random)
    return bytes(data)


def _change(data: bytearray, seeds: Sequence[bytes], random: Random) -> None:
    at = random.randrange(len(data) + 1)
    length = min(len(data) - at, random.choice((1, 1, 2, 4, 16, 64)))
    match random.randrange(9):
        case 0 if data and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        case 1 if at < len(data):
            data[at] = random.randrange(256)
        case 2:
            del data[at : at + length]
        case 3:
            data[at:at] = random.randbytes(length or 1)
        case 4:
            data[at:at] = data[at : at + length] * random.choice((1, 2, 40))
        case 5:
            del data[at:]
        case 6:
            other = random.choice(seeds)
            data[at:] = other[random.randrange(len(other) + 1) :]
        case 7:
            word = random.choice(WORDS)
            data[at : at + random.choice((0, length, len(word)))] = word
        case _:
            number = random.choice(NUMBERS)
            data[at : at + len(number)] = number
