"""Which bytes of a file a request wants (RFC 9110, section 14)."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from server.errors import UnsatisfiableRangeError


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of a file.

    Attributes:
        start: first byte.
        stop: after the last byte.
        size: of the whole file.
    """

    start: int
    stop: int
    size: int

    @property
    def header(self) -> str:
        """As `Content-Range` says it."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


def wanted_range(request: web.Request, size: int, etag: str) -> ByteRange | None:
    """The part that a request asks for; None for the whole file.

    Args:
        request: with or without `Range` and `If-Range`.
        size: of the whole file, at least one byte.
        etag: of the file, with its quotes.

    Raises:
        UnsatisfiableRangeError: nothing of the file is in it, or it is no range.
    """
    if request.headers.get("If-Range", etag) != etag:
        return None
    try:
        wanted = request.http_range
    except ValueError as error:
        raise UnsatisfiableRangeError("expected a range of bytes, got other text") from error
    if wanted.start is None:
        return None
    start = max(0, size + wanted.start) if wanted.start < 0 else wanted.start
    if start >= size:
        raise UnsatisfiableRangeError(f"expected a range within {size} bytes, got one from {start}")
    return ByteRange(start, min(wanted.stop or size, size), size)
