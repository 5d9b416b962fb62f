"""Numbers whose length depends on their size (LEB128)."""

from __future__ import annotations

from codec.errors import ContainerError

MAX_BYTES = 5


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all bytes but the last have their highest bit set."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def parse_varint(data: bytes, position: int) -> tuple[int, int]:
    """Reads a number of at most five bytes.

    Returns:
        The number, and where it ends.

    Raises:
        ContainerError: it does not end in time.
    """
    value = 0
    for number in range(MAX_BYTES):
        byte = byte_at(data, position + number)
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return value, position + number + 1
    raise ContainerError(f"expected a number at byte {position}, got one without an end")


def byte_at(data: bytes, position: int) -> int:
    """Reads a byte.

    Raises:
        ContainerError: the file ends before it.
    """
    if position >= len(data):
        raise ContainerError(f"expected a byte at {position}, got the end of the file")
    return data[position]
