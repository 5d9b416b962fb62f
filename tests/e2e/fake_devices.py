"""Chromium with a camera that shows a clip, a microphone that plays a file, or with neither."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import cv2
from playwright.sync_api import Browser

from models.clip import Frame
from tests.e2e.page import CHROMIUM, FLAGS


def write_camera(path: Path, frames: Iterable[Frame], fps: int) -> None:
    """The file that Chromium plays for a camera."""
    with path.open("wb") as file:
        for frame in frames:
            if frame.index == 0:
                height, width = frame.rgb.shape[:2]
                file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
            yuv = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2YUV_I420)
            file.write(b"FRAME\n" + yuv.tobytes())


def with_devices(
    browser: Browser,
    camera: Path | None = None,
    microphone: Path | None = None,
    *,
    allowed: bool = True,
) -> Browser:
    """Another browser, whose devices are files; without any file it has no devices."""
    path = next(filter(None, map(shutil.which, CHROMIUM)))
    fake = []
    if camera is not None:
        fake.append(f"--use-file-for-fake-video-capture={camera}")
    if microphone is not None:
        fake.append(f"--use-file-for-fake-audio-capture={microphone}")
    if fake:
        fake.append("--use-fake-device-for-media-stream")
    if allowed:
        fake.append("--use-fake-ui-for-media-stream")
    return browser.browser_type.launch(executable_path=path, args=[*FLAGS, *fake])
