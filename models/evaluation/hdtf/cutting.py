"""A video of HDTF becomes clips: its pictures from when to when, the window, at one size."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from models.clip import clip_rate, scan_clip
from models.errors import ClipError, DatasetError
from models.evaluation.hdtf.lists import Gap, Lack, ListedClip
from models.evaluation.pictures import Picture, VideoEncoding, VideoFile
from models.face.crop import PortraitCrop

NEARLY_LOSSLESS = VideoEncoding("libx264rgb", {"crf": "8", "preset": "veryfast"}, "rgb24")
"""Visually lossless: 48 dB and 79 kB a frame at 512x512 (WDA_EdMarkey0_000), where lossless
takes 244 kB. RGB, because the way through 8-bit YUV alone costs as much."""
MISSING_MS = 1000
"""What a video may lack of a clip's end: the authors' times are whole seconds."""
OVERHANG = 0.01
"""How far a window may reach beyond the picture, of its side: rounding, or odd sources."""

Step = Callable[[float], None]
"""Called with the share of a video that is done."""


@dataclass(frozen=True, slots=True)
class CutClip:
    """A clip that was cut.

    Attributes:
        name: of the clip.
        path: the video file.
        frames: how many it has.
        fps: frames a second, the video's own.
    """

    name: str
    path: Path
    frames: int
    fps: Fraction


def place_window(clip: ListedClip, frame_width: int, frame_height: int) -> PortraitCrop:
    """Finds a clip's window in a video of whatever resolution.

    Lengths grow with the height of the picture, as the authors' 720 and 1080 count it.

    Raises:
        DatasetError: it reaches beyond the picture.
    """
    window, listed_px = clip.window, clip.height_px or frame_height
    scale = frame_height / listed_px
    side = round(window.side * scale)
    slack = max(1, round(OVERHANG * side))
    side_inside = min(side, frame_width, frame_height)
    x, y = round(window.x * scale), round(window.y * scale)
    over = max(x + side - frame_width, y + side - frame_height)
    if over > slack:
        raise DatasetError(
            f"expected the window {window.x}+{window.side} by {window.y}+{window.side} within a "
            f"video {listed_px} high, got one that reaches {over} px beyond "
            f"{frame_width}x{frame_height}"
        )
    return PortraitCrop(
        min(x, frame_width - side_inside),
        min(y, frame_height - side_inside),
        side_inside,
        frame_width,
        frame_height,
    )


def kept_clip(clip: ListedClip, source: Path, folder: Path, side_px: int) -> CutClip | None:
    """Returns a clip that was cut before, if it would become the same now."""
    path = _clip_file(folder, clip)
    try:
        note = json.loads(_note_file(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not path.is_file() or note["recipe"] != _recipe(clip, source, side_px):
        return None
    return CutClip(clip.name, path, note["frames"], Fraction(note["fps"]))


def cut_video(
    source: Path,
    clips: Sequence[ListedClip],
    folder: Path,
    side_px: int,
    step: Step = lambda share: None,
) -> tuple[list[CutClip], list[Gap]]:
    """Cuts clips out of one video, in one pass over it.

    A frame belongs to a clip if it is shown from the clip's begin to before its end. A clip is
    complete or not there at all; a file beside it says how it was made.

    Args:
        source: the video; progressive, as the authors ask.
        clips: of that video.
        folder: for `NAME.mp4` and `NAME.json`.
        side_px: of the clips' pictures.
        step: told about progress.

    Returns:
        The clips, and what could not be cut.

    Raises:
        ModelError: a clip cannot be written.
    """
    try:
        fps = clip_rate(source)
    except ClipError as error:
        return [], [Gap(clip.name, Lack.UNUSABLE, str(error)) for clip in clips]
    cuts = [_Cut(clip, source, folder, side_px, fps) for clip in clips]
    end_ms = max(clip.end_ms for clip in clips)
    reached_ms, damage = 0, f"{source}: the video ends"
    try:
        for glance in scan_clip(source):
            reached_ms = glance.pts_ms
            takers = [cut for cut in cuts if cut.takes(reached_ms)]
            if takers:
                rgb = glance.frame().rgb
                for cut in takers:
                    cut.take(rgb)
            step(min(1.0, reached_ms / end_ms))
            if reached_ms >= end_ms:
                break
        missing_ms = MISSING_MS
    except ClipError as error:
        damage, missing_ms = str(error), 0
    finally:
        for cut in cuts:
            cut.stop()
    made: list[CutClip] = []
    gaps: list[Gap] = []
    for cut in cuts:
        result = cut.finish(reached_ms, missing_ms, damage)
        if isinstance(result, CutClip):
            made.append(result)
        else:
            gaps.append(result)
    return made, gaps


class _Cut:
    """One clip while its video passes by."""

    def __init__(
        self, clip: ListedClip, source: Path, folder: Path, side_px: int, fps: Fraction
    ) -> None:
        self._clip = clip
        self._fps = fps
        self._side_px = side_px
        self._recipe = _recipe(clip, source, side_px)
        self._path = _clip_file(folder, clip)
        self._part = self._path.with_suffix(".part.mp4")
        self._crop: PortraitCrop | None = None
        self._file: VideoFile | None = None
        self._refusal: str | None = None
        self._frames = 0

    def takes(self, pts_ms: int) -> bool:
        return self._refusal is None and self._clip.start_ms <= pts_ms < self._clip.end_ms

    def take(self, rgb: Picture) -> None:
        if self._crop is None:
            try:
                self._crop = place_window(self._clip, rgb.shape[1], rgb.shape[0])
            except DatasetError as error:
                self._refusal = str(error)
                return
        if self._file is None:
            size = (self._side_px, self._side_px)
            self._file = VideoFile(self._part, *size, self._fps, NEARLY_LOSSLESS)
        self._file.write(self._frames, self._crop.extract(rgb, self._side_px))
        self._frames += 1

    def stop(self) -> None:
        """Closes the file, whatever happened."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def finish(self, reached_ms: int, missing_ms: int, damage: str) -> CutClip | Gap:
        """Keeps the clip if it is whole, and tells why not otherwise."""
        if self._refusal is None and reached_ms < self._clip.end_ms - missing_ms:
            self._refusal = (
                f"expected pictures until {self._clip.end_ms / 1000:g} s, got them until "
                f"{reached_ms / 1000:g} s ({damage})"
            )
        if self._refusal is None and self._frames == 0:
            self._refusal = "expected pictures between the clip's times, got none"
        if self._refusal is not None:
            self._part.unlink(missing_ok=True)
            return Gap(self._clip.name, Lack.UNUSABLE, self._refusal)
        note = {"recipe": self._recipe, "frames": self._frames, "fps": str(self._fps)}
        # The note last: with it the clip is complete.
        _note_file(self._path).unlink(missing_ok=True)
        self._part.replace(self._path)
        _note_file(self._path).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
        return CutClip(self._clip.name, self._path, self._frames, self._fps)


def _clip_file(folder: Path, clip: ListedClip) -> Path:
    return folder / f"{clip.name}.mp4"


def _note_file(path: Path) -> Path:
    return path.with_suffix(".json")


def _recipe(clip: ListedClip, source: Path, side_px: int) -> dict[str, object]:
    """All that decides what a clip becomes, as JSON gives it back."""
    return {
        "video": source.name,
        "video_bytes": source.stat().st_size,
        "start_ms": clip.start_ms,
        "end_ms": clip.end_ms,
        "window": asdict(clip.window),
        "height_px": clip.height_px,
        "side_px": side_px,
        "encoding": dict(NEARLY_LOSSLESS.options),
    }
