"""A folder in which somebody keeps HDTF's videos, however they are called."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from models.errors import DatasetError
from models.evaluation.hdtf.lists import ListedClip

SUFFIXES = frozenset({".mp4", ".mkv", ".webm", ".mov", ".m4v", ".avi", ".flv", ".ts"})

_BEFORE_ID = "[-_ "
"""What downloaders put between a title and the video's id."""


class VideoFolder:
    """Finds videos by the name in the lists or by YouTube's id; looks at the names once.

    Args:
        folder: with all that is in it.

    Raises:
        DatasetError: no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DatasetError(f"expected a folder of videos, got {folder}, which is none")
        self._folder = folder
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                self._by_stem[path.stem].append(path)

    def __len__(self) -> int:
        return sum(map(len, self._by_stem.values()))

    def find(self, clip: ListedClip) -> Path | None:
        """Returns a clip's video, or None.

        In this order: `WDA_Name.mp4`, `WDA/…/Name.mp4`, `Name.mp4`, and what a downloader
        calls it, `ID.mp4`, `Title [ID].mp4`, `Title-ID.mp4`; of several, the first by name.
        """
        named = self._by_stem.get(clip.video, [])
        in_part = [
            path for path in named if clip.part in path.relative_to(self._folder).parent.parts
        ]
        candidates = [*self._by_stem.get(clip.video_name, []), *in_part, *named]
        if not candidates and (video_id := youtube_id(clip.url)):
            candidates = [
                path
                for stem, paths in self._by_stem.items()
                if _ends_with_id(stem, video_id)
                for path in paths
            ]
        return candidates[0] if candidates else None


def youtube_id(url: str | None) -> str | None:
    """Returns the id of a video's address, or None.

    Example:
        >>> youtube_id("https://www.youtube.com/watch?v=AbCdEfGhI-0&t=6s")
        'AbCdEfGhI-0'
    """
    return next(iter(parse_qs(urlsplit(url or "").query).get("v", [])), None)


def _ends_with_id(stem: str, video_id: str) -> bool:
    stem = stem.removesuffix("]")
    title = stem.removesuffix(video_id)
    return title != stem and (not title or title[-1] in _BEFORE_ID)
