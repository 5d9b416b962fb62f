"""What the commands are made of: progress, tables, child processes, caches, camera clips."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from client.camera_clip import record_camera
from client.capture import FrameSource
from client.commands.progress import LINE_INTERVAL_S, ProgressBar
from client.commands.tables import write_json
from client.enrolled import QuickEnrolment, enrolled_speaker, speaker_path
from client.errors import CaptureError, ChildError, ToldError
from client.processes import Children
from models.clip import Frame, probe_clip, read_clip


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_without_a_terminal_progress_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    with ProgressBar(clock) as bar:
        for second in range(25):
            clock.now_s = float(second)
            bar.frames("tracking", second, 100)
    assert LINE_INTERVAL_S == 10.0
    assert capsys.readouterr().err.splitlines() == [
        "tracking 10/100: 10%, 1:30 left",
        "tracking 20/100: 20%, 1:20 left",
    ]


def test_a_remaining_time_that_is_known_is_believed(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with ProgressBar(clock) as bar:
        clock.now_s = 11.0
        bar.share("learning, 28.1 dB", 0.25, remaining_s=61.4)
    assert capsys.readouterr().err == "learning, 28.1 dB: 25%, 1:01 left\n"


def test_figures_that_json_does_not_know_become_null(tmp_path: Path) -> None:
    path = tmp_path / "new" / "figures.json"
    write_json(path, {"psnr_db": math.inf, "rows": [{"ms": math.nan, "size": 8}], "name": "x"})
    figures = json.loads(path.read_text())
    assert figures == {"psnr_db": None, "rows": [{"ms": None, "size": 8}], "name": "x"}
    write_json(None, {"nothing": "wanted"})


def test_children_end_with_their_owner() -> None:
    with Children() as children:
        line = children.start("server", ["serve", "--port", "0"]).readline()
        assert line.startswith("nerfcall server listening on ")
        children.check()
        (child,) = children._children.values()
    assert child.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_children_end_even_if_their_owner_is_killed() -> None:
    program = (
        "from client.processes import Children; import time\n"
        "with Children() as children:\n"
        "    children.start('server', ['serve', '--port', '0']).readline()\n"
        "    print(children._children['server'].pid, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "the server goes on without its owner"
        time.sleep(0.05)


def test_a_child_that_dies_is_quoted() -> None:
    with Children() as children:
        assert children.start("sender", ["send", "--speaker", "nobody"]).read() == ""
        children._children["sender"].wait()
        with pytest.raises(ChildError, match="the sender ended with status 1: nerfcall send: exp"):
            children.check()


def test_a_speaker_is_kept_by_the_content_of_its_clip_and_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    one, same, other = (tmp_path / name for name in ("one.mp4", "same.mp4", "other.mp4"))
    one.write_bytes(b"clip")
    same.write_bytes(b"clip")
    other.write_bytes(b"another clip")
    path = speaker_path(one, QuickEnrolment())
    assert path.parent == tmp_path / "cache" / "nerfcall" / "enrolled"
    assert speaker_path(same, QuickEnrolment()) == path
    assert speaker_path(other, QuickEnrolment()) != path
    assert speaker_path(one, QuickEnrolment(minutes=1.0)) != path


def test_a_failed_enrolment_has_told_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no video")
    said: list[str] = []
    with capfd.disabled(), pytest.raises(ToldError):
        enrolled_speaker(clip, QuickEnrolment(), said.append)
    assert said == ["Learning the speaker of clip.mp4: about 2.4 minutes, once."]
    assert not speaker_path(clip, QuickEnrolment()).exists()


class Camera(FrameSource):
    """Delivers grey pictures at 25 a second, of an odd size, without taking any time."""

    def __init__(self, frames: int) -> None:
        self.fps = 25.0
        self.duration_ms = None
        self._frames = frames

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        for index in range(self._frames):
            if stop.is_set():
                return
            yield Frame(np.full((49, 65, 3), 40 + index, np.uint8), index, 40 * index)


def test_a_camera_is_recorded_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "new" / "camera.mkv"
    seconds: list[float] = []
    record_camera(Camera(1000), path, 3.0, seconds.append)
    assert seconds[-1] == 3.0
    info = probe_clip(path)
    assert (info.width, info.height) == (64, 48)
    frames = list(read_clip(path))
    assert [frame.pts_ms for frame in frames] == [40 * index for index in range(76)]
    assert abs(float(frames[50].rgb.mean()) - 90) < 3
    assert list(path.parent.iterdir()) == [path]


def test_a_camera_that_delivers_next_to_nothing_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="expected at least 50 pictures in 3 s, got 7"):
        record_camera(Camera(7), tmp_path / "camera.mkv", 3.0, lambda seconds: None)
    assert list(tmp_path.iterdir()) == []
