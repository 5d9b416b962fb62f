"""The lists of HDTF: which clips there are, when and where in which video."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.errors import DatasetError

LISTS_FOLDER = "HDTF_dataset"
"""Of the authors' repository."""

_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
"""Becomes a file name, so no slash and no leading dot."""
_TIME = r"(?:(\d+):)?(\d+):([0-5]?\d(?:\.\d+)?)"
_RANGE = re.compile(f"{_TIME}[-–]{_TIME}")
_SPACED_DASH = re.compile(r"\s*[-–]\s*")


class Part(StrEnum):
    """The parts of HDTF."""

    RD = "RD"
    WDA = "WDA"
    WRA = "WRA"


class Lack(StrEnum):
    """Why a clip is left out."""

    NO_TIMES = "no times in the lists"
    NO_WINDOW = "no window in the lists"
    NO_RESOLUTION = "no resolution in the lists"
    NO_VIDEO = "video not found"
    UNUSABLE = "video unusable"


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that the lists name and that cannot be had.

    Attributes:
        name: of a clip, or of a video where all of its clips are meant.
        lack: what kind of reason.
        detail: the reason in words.
    """

    name: str
    lack: Lack
    detail: str


@dataclass(frozen=True, slots=True)
class Window:
    """A square of a video, in pixels of a video of the listed resolution.

    Attributes:
        x: left edge.
        y: top edge.
        side: side of the square.
    """

    x: int
    y: int
    side: int


@dataclass(frozen=True, slots=True)
class ListedClip:
    """One clip as the lists describe it.

    Attributes:
        part: of the data set.
        video: the video's name, without part and suffix.
        index: number of the clip within its video.
        start_ms: where it begins, milliseconds from the video's begin.
        end_ms: where it ends.
        window: what of the picture.
        height_px: of the video that the window refers to; None where nothing tells, and the
            window is in pixels of whatever the video is.
        url: of the video, if listed.
    """

    part: Part
    video: str
    index: int
    start_ms: int
    end_ms: int
    window: Window
    height_px: int | None
    url: str | None

    @property
    def video_name(self) -> str:
        """Unique among all parts' videos, such as `RD_Radio11`."""
        return f"{self.part}_{self.video}"

    @property
    def name(self) -> str:
        """Unique among all clips, such as `RD_Radio11_001`."""
        return clip_name(self.part, self.video, self.index)


@dataclass(frozen=True, slots=True)
class HdtfLists:
    """All clips that the lists name.

    Attributes:
        clips: by part, then in the order of the times.
        gaps: what is left out because the lists do not say enough.
    """

    clips: tuple[ListedClip, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """The words of a line after its name, and where it stands."""

    where: str
    words: tuple[str, ...]


def clip_name(part: Part, video: str, index: int) -> str:
    """Returns a clip's name: part, video, and number in three digits."""
    return f"{part}_{video}_{index:03d}"


def read_lists(root: Path, parts: Collection[Part] = ()) -> HdtfLists:
    """Reads the lists.

    Args:
        root: the authors' repository, or its folder of lists.
        parts: which; none: all that are there.

    Raises:
        DatasetError: no lists, or a line that cannot be read.
    """
    folder = root / LISTS_FOLDER if (root / LISTS_FOLDER).is_dir() else root
    wanted = list(parts) or [part for part in Part if _times_file(folder, part).is_file()]
    if not wanted:
        raise DatasetError(
            f"{root}: expected HDTF's lists, such as {_times_file(folder, Part.RD).name}, got none"
        )
    clips: list[ListedClip] = []
    gaps: list[Gap] = []
    for part in wanted:
        found, lacking = _read_part(folder, part)
        clips += found
        gaps += lacking
    return HdtfLists(tuple(clips), tuple(gaps))


def parse_range(text: str, where: str) -> tuple[int, int]:
    """Parses "mm:ss-mm:ss" (hours and fractions may be there) as two times in milliseconds.

    Example:
        >>> parse_range("01:30-02:30", "times.txt:3")
        (90000, 150000)

    Raises:
        DatasetError: not of that form, or not rising.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise DatasetError(f"{where}: expected times mm:ss-mm:ss, got {text!r}")
    start_ms, end_ms = (
        round(1000 * (3600 * int(hours or 0) + 60 * int(minutes) + float(seconds)))
        for hours, minutes, seconds in (match.group(1, 2, 3), match.group(4, 5, 6))
    )
    if end_ms <= start_ms:
        raise DatasetError(f"{where}: expected a clip's end after its begin, got {text!r}")
    return start_ms, end_ms


def _times_file(folder: Path, part: Part) -> Path:
    return folder / f"{part}_annotion_time.txt"


def _read_part(folder: Path, part: Part) -> tuple[list[ListedClip], list[Gap]]:
    times = _lines(_times_file(folder, part))
    windows = _lines(folder / f"{part}_crop_wh.txt")
    # The first releases had no resolutions; without addresses only videos by name are found.
    resolutions = _lines(folder / f"{part}_resolution.txt", optional=True)
    urls = _lines(folder / f"{part}_video_url.txt", optional=True)
    clips: list[ListedClip] = []
    gaps = [
        Gap(f"{part}_{video}", Lack.NO_TIMES, f"in {_times_file(folder, part).name}")
        for video in urls
        if video not in times
    ]
    for video, line in times.items():
        # A range may be written with blanks around its dash.
        ranges = _SPACED_DASH.sub("-", " ".join(line.words)).split()
        if not ranges:
            raise DatasetError(f"{line.where}: expected times mm:ss-mm:ss, got none")
        height_px = _height_px(resolutions.get(video))
        url = _url(urls.get(video))
        for index, text in enumerate(ranges):
            start_ms, end_ms = parse_range(text, line.where)
            name, window = clip_name(part, video, index), windows.get(f"{video}_{index}")
            if window is None:
                gaps.append(Gap(name, Lack.NO_WINDOW, f"in {part}_crop_wh.txt"))
            elif resolutions and height_px is None:
                gaps.append(Gap(name, Lack.NO_RESOLUTION, f"in {part}_resolution.txt"))
            else:
                place = _window(window)
                clips.append(
                    ListedClip(part, video, index, start_ms, end_ms, place, height_px, url)
                )
    return clips, gaps


def _lines(path: Path, optional: bool = False) -> Mapping[str, _Line]:
    """Reads a list by its lines' names, `.mp4` left out."""
    if optional and not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: expected a list of HDTF, got {error}") from error
    lines: dict[str, _Line] = {}
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{path}:{number}"
        words = line.split()
        if not words:
            continue
        name = words[0].removesuffix(".mp4")
        if not _NAME.fullmatch(name):
            raise DatasetError(
                f"{where}: expected a name of letters, digits, '.', '-' and '_', got {words[0]!r}"
            )
        if name in lines:
            raise DatasetError(
                f"{where}: expected one line for {name}, got another in {lines[name].where}"
            )
        lines[name] = _Line(where, tuple(words[1:]))
    return lines


def _window(line: _Line) -> Window:
    form = "x width y height"
    try:
        x, width, y, height = map(int, line.words)
    except ValueError as error:
        raise DatasetError(
            f"{line.where}: expected {form}, got {' '.join(line.words)!r}"
        ) from error
    if width != height or width < 1 or x < 0 or y < 0:
        raise DatasetError(
            f"{line.where}: expected a square window as {form}, got {' '.join(line.words)!r}"
        )
    return Window(x, y, width)


def _height_px(line: _Line | None) -> int | None:
    """The listed height of a video; None where it is missing or 0."""
    if line is None:
        return None
    text = line.words[0].removesuffix("p") if len(line.words) == 1 else ""
    if not text.isdecimal():
        raise DatasetError(
            f"{line.where}: expected a height in pixels, got {' '.join(line.words)!r}"
        )
    return int(text) or None


def _url(line: _Line | None) -> str | None:
    return line.words[0] if line is not None and line.words else None
