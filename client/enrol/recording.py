"""The recording that a page sends in pieces while it records: in order, of bounded size."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import OutputContainer

from client.errors import EnrolPageError
from models.errors import ClipError

MAX_BYTES = 400_000_000
"""Of a whole recording: ten minutes of 5 Mbit/s."""
MAX_PIECE_BYTES = 16_000_000


class Recording:
    """One recording as the browser's MediaRecorder made it.

    Attributes:
        raw: what the browser sent.
        clip: the same as a file that can be sought in, once it is finished.
        pieces: that have come.
    """

    def __init__(self, folder: Path) -> None:
        """Begins with nothing; what was recorded in the folder before is gone."""
        self.raw = folder / "recorded"
        self.clip = folder / "recording.mkv"
        self.pieces = 0
        self._bytes = 0
        self.remove()
        self.raw.touch()

    @property
    def size_bytes(self) -> int:
        """What has come."""
        return self._bytes

    def add(self, number: int, piece: bytes) -> None:
        """Takes the next piece.

        Raises:
            EnrolPageError: another one is next, or the recording gets too large.
        """
        if number != self.pieces:
            raise EnrolPageError(f"expected piece {self.pieces} of the recording, got {number}")
        if self._bytes + len(piece) > MAX_BYTES:
            raise EnrolPageError(
                f"expected a recording of at most {MAX_BYTES / 1e6:.0f} MB, got a larger one"
            )
        with self.raw.open("ab") as file:
            file.write(piece)
        self.pieces += 1
        self._bytes += len(piece)

    def finish(self) -> Path:
        """Makes a clip of the pieces, which know neither their number nor their length.

        Raises:
            ClipError: they are no video.
        """
        try:
            with av.open(str(self.raw)) as source, av.open(str(self.clip), "w") as target:
                assert isinstance(target, OutputContainer), "it is opened for writing"
                if not source.streams.video:
                    raise ClipError(f"{self.raw}: expected a video, got none")
                stream = target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.dts is not None:
                        packet.stream = stream
                        target.mux(packet)
        except (av.FFmpegError, ValueError, OSError) as error:
            raise ClipError(f"{self.raw}: expected a video, got {error}") from error
        self.raw.unlink()
        return self.clip

    def remove(self) -> None:
        """Deletes what was recorded."""
        self.raw.unlink(missing_ok=True)
        self.clip.unlink(missing_ok=True)
