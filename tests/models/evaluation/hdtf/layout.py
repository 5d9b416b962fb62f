"""HDTF as somebody has it: the authors' lists, and videos in a folder; people left out.

A pixel of the videos tells where it is and when: red grows to the right, green downwards, blue
with the frame number.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.models.clips import write_clip

FPS = 10
WIDTH, HEIGHT = 160, 90
BLUE_STEP = 4

LISTS = {
    "RD_video_url.txt": "Radio1 https://www.youtube.com/watch?v=AAAAAAAAAA1&t=6s\n"
    "Radio24 https://www.youtube.com/watch?v=AAAAAAAAA24\n",
    "RD_annotion_time.txt": "Radio1.mp4 00:01-00:03 00:04-00:05\n",
    "RD_resolution.txt": "Radio1.mp4 90\nRadio24.mp4 90\n",
    "RD_crop_wh.txt": "Radio1_0.mp4 40 60 10 60\nRadio1_1.mp4 80 64 0 64\n",
    "WDA_video_url.txt": "JaneDoe0 https://www.youtube.com/watch?v=-AAAAAAAAA0\n"
    "JohnDoe https://www.youtube.com/watch?v=AAAAAAAAAAJ",
    "WDA_annotion_time.txt": "JaneDoe0.mp4 00:00-00:02 \nJohnDoe.mp4 00:05-00:55",
    "WDA_resolution.txt": "JohnDoe.mp4 90\nJaneDoe0.mp4 45\n",
    "WDA_crop_wh.txt": "JaneDoe0_0.mp4 10 30 5 30\nJohnDoe_0.mp4 10 30 5 30\n",
}
"""Radio24 has no times, and JohnDoe no video below; JaneDoe0 was listed at half the size."""


def write_lists(root: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Writes the lists into the folder that the authors call HDTF_dataset; None leaves one out."""
    folder = root / "HDTF_dataset"
    folder.mkdir(parents=True)
    for name, text in {**LISTS, **(changes or {})}.items():
        if text is not None:
            (folder / name).write_bytes(text.encode())
    return root


def telling_frame(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """(height, width, 3) uint8, as the module says."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[..., 0] = np.linspace(0, 255, width)
    picture[..., 1] = np.linspace(0, 255, height)[:, None]
    picture[..., 2] = BLUE_STEP * number
    return picture


def write_video(
    path: Path, seconds: float = 6, width: int = WIDTH, height: int = HEIGHT, fps: int = FPS
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = (telling_frame(number, width, height) for number in range(round(seconds * fps)))
    return write_clip(path, frames, fps)


def write_videos(folder: Path) -> Path:
    """Videos of Radio1, by its name, and of JaneDoe0, by what a downloader calls it."""
    write_video(folder / "RD" / "Radio1.mp4")
    write_video(folder / "Jane Doe speaks [-AAAAAAAAA0].mkv", seconds=3)
    return folder
