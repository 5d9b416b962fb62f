"""The command `enroll` around its learning: what it records, tells, and returns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from client import capture, cli
from client.camera_prompts import PROMPTS
from client.capture import FrameSource
from models.clip import Frame, probe_clip
from models.enrolment import enroll as enrolment
from models.enrolment.enroll import EnrolConfig, EnrolProgress
from models.errors import StoppedError
from tests.models.clips import grey_frames, write_clip


class Camera(FrameSource):
    """Delivers pictures at 25 a second without taking any time."""

    def __init__(self, device: str) -> None:
        assert device == "3"
        self.fps = 25.0
        self.duration_ms = None

    def frames(self, stop: threading.Event) -> Iterator[Frame]:
        index = 0
        while not stop.is_set():
            yield Frame(np.full((48, 64, 3), 90, np.uint8), index, 40 * index)
            index += 1


Calls = list[tuple[Path, EnrolConfig]]


@pytest.fixture
def learning(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Calls]:
    """Replaces the learning by something that ends as told; returns how it was called."""

    def end(complete: bool = True, error: Exception | None = None) -> Calls:
        calls: Calls = []

        def learn(
            source: Path,
            output: Path,
            config: EnrolConfig,
            report: Callable[[EnrolProgress], None],
            stopped: Callable[[], bool],
        ) -> SimpleNamespace:
            calls.append((source, config))
            report(EnrolProgress("learning", 0.5, 60.0, 60.0, 27.31, 26.04))
            assert not stopped()
            if error is not None:
                raise error
            output.write_bytes(bytes(1000))
            return SimpleNamespace(
                id="ab" * 32, manifest={"enrolment": {"complete": complete, "steps": 70}}
            )

        monkeypatch.setattr(enrolment, "enroll", learn)
        return calls

    return end


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A video; nobody looks at what it shows."""
    return write_clip(tmp_path / "me.mp4", grey_frames(3))


def test_a_clip_is_learned_with_what_was_asked_for(
    learning: Callable[..., Calls], clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = learning()
    output, preview = tmp_path / "me.speaker", tmp_path / "new" / "p.png"
    words = ["enroll", str(clip), "-o", str(output), "--resume", "--preview", str(preview)]
    assert cli.run([*words, "--frames", "5:90", "--minutes", "3"]) == 0
    ((source, config),) = calls
    assert source == clip
    assert (config.resume, config.preview, config.frames) == (True, preview, slice(5, 90))
    assert preview.parent.is_dir()
    assert "speaker abababababab…" in capsys.readouterr().out


def test_a_rough_portrait_says_so_and_ends_as_interrupted(
    learning: Callable[..., Calls], clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learning(complete=False)
    assert cli.run(["enroll", str(clip), "-o", str(tmp_path / "s")]) == 130
    assert "Stopped after 70 steps, so it is a rough one; go on with --resume." in (
        capsys.readouterr().out
    )


def test_stopped_before_anything_was_learned_is_one_line(
    learning: Callable[..., Calls], clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learning(error=StoppedError("expected time to learn a portrait, got stopped while tracking"))
    assert cli.run(["enroll", str(clip), "-o", str(tmp_path / "s")]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("got stopped while tracking; nothing written, go on with --resume\n")


def test_a_camera_is_recorded_with_prompts_and_learned_from(
    learning: Callable[..., Calls],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(capture, "CameraSource", Camera)
    calls = learning()
    words = ["enroll", "--camera", "3", "--seconds", "10", "-o", str(tmp_path / "me.speaker")]
    assert cli.run(words) == 0
    ((source, _),) = calls
    assert source == tmp_path / "me.speaker.mkv"
    assert probe_clip(source).duration_ms >= 10_000
    lines = capsys.readouterr().out.splitlines()
    assert tuple(line for line in lines if line in PROMPTS) == PROMPTS
    # What was recorded once is not asked for again.
    monkeypatch.setattr(capture, "CameraSource", None)
    assert cli.run([*words, "--resume"]) == 0
    assert calls[1][0] == source


@pytest.mark.parametrize("words", [[], ["me.mp4", "--camera", "0"]])
def test_a_clip_or_a_camera_is_needed(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["enroll", *words, "-o", str(tmp_path / "s")]) == 2
    assert "expected a clip, --camera or --page, got" in capsys.readouterr().err
