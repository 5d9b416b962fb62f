"""Bad input from outside: one line that says what was expected and what came, and a status."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from codec.container.reader import CallReader
from codec.container.writer import CallWriter
from models.portrait.speaker_layers import join_layers, split_layers
from tests.e2e.processes import run
from tests.models.clips import grey_frames, write_clip

Words = list[str | Path]
PROGRESS = re.compile(r": \d+%, \d+:\d\d left$")


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Runs a command that has to fail, and returns its one line."""

    def refusal(*arguments: str | Path, status: int = 1) -> str:
        got, out, err = run(*arguments, cache=tmp_path / "cache")
        assert got == status, (out, err)
        assert out == ""
        # What takes seconds tells its progress first; the complaint is one line all the same.
        complaints = [line for line in err.splitlines() if not PROGRESS.search(line)]
        assert len(complaints) == 1, err
        err = complaints[0]
        name = " ".join(str(word) for word in arguments[:1])
        assert err.startswith(f"nerfcall {name}"), err
        assert "expected" in err or status == 2, err
        assert "Traceback" not in err
        return err

    return refusal


@pytest.fixture
def faceless(tmp_path: Path) -> Path:
    """A video in which nobody is seen."""
    return write_clip(tmp_path / "faceless.mp4", grey_frames(12, 96, 96))


TEXT = (b"certainly no video" * 100, "expected a video, got a file that is none")
EMPTY = (b"", "expected a video, got an empty file")
MISSING = (None, "which does not exist")


@pytest.mark.parametrize(
    ("command", "content", "complaint"),
    [
        *[(command, *TEXT) for command in ("track", "enroll", "encode", "evaluate", "send")],
        *[(command, *EMPTY) for command in ("enroll", "encode")],
        *[(command, *MISSING) for command in ("enroll", "send")],
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_what_is_no_video(
    command: str,
    content: bytes | None,
    complaint: str,
    refused: Callable[..., str],
    real_speaker: Path,
    tmp_path: Path,
) -> None:
    clip = tmp_path / "clip.mp4"
    if content is not None:
        clip.write_bytes(content)
    speaker = ("--speaker", real_speaker)
    output = ("-o", tmp_path / "output")
    arguments: dict[str, Words] = {
        "track": [clip, *output],
        "enroll": [clip, *output],
        "encode": [clip, *output, *speaker],
        "evaluate": [clip, *speaker],
        "send": ["--clip", clip, *speaker],
    }
    assert complaint in refused(command, *arguments[command])
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("command", ["track", "enroll", "encode", "evaluate"])
def test_a_clip_without_a_face(
    command: str,
    refused: Callable[..., str],
    faceless: Path,
    real_speaker: Path,
    tmp_path: Path,
) -> None:
    output: Words = [] if command == "evaluate" else ["-o", tmp_path / "output"]
    speaker: Words = [] if command in ("track", "enroll") else ["--speaker", real_speaker]
    assert "expected a face, got none" in refused(command, faceless, *output, *speaker)
    assert list(tmp_path.glob("output*")) == []


def truncated(speaker: bytes) -> bytes:
    return speaker[: len(speaker) // 2]


def of_another_version(speaker: bytes) -> bytes:
    assert speaker.startswith(b"nerfcall-speaker-7")
    return speaker.replace(b"nerfcall-speaker-7", b"nerfcall-speaker-9", 1)


def of_absurd_shape(speaker: bytes) -> bytes:
    base, detail = split_layers(speaker, "speaker")
    return join_layers(base, save({**load(detail), "face.neutral": np.zeros((4, 3), np.float32)}))


def of_something_else(speaker: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(1000)


def too_large(speaker: bytes) -> bytes:
    return speaker + bytes(3_000_000)


@pytest.mark.parametrize(
    ("command", "damage", "complaint"),
    [
        ("encode", truncated, "expected a whole speaker file"),
        ("encode", of_another_version, "expected a speaker file nerfcall-speaker-7"),
        ("encode", of_absurd_shape, "face.neutral: expected shape (478, 3), got (4, 3)"),
        ("encode", of_something_else, "expected a whole speaker file"),
        ("encode", too_large, "expected at most"),
        ("send", truncated, "expected a whole speaker file"),
    ],
)
def test_a_speaker_file_that_is_none(
    command: str,
    damage: Callable[[bytes], bytes],
    complaint: str,
    refused: Callable[..., str],
    real_speaker: Path,
    talking_clip: Path,
    tmp_path: Path,
) -> None:
    speaker = tmp_path / "damaged.speaker"
    speaker.write_bytes(damage(real_speaker.read_bytes()))
    clip: Words = [talking_clip, "-o", tmp_path / "x.call"]
    if command == "send":
        clip = ["--clip", talking_clip]
    assert complaint in refused(command, *clip, "--speaker", speaker)


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        ("12", "expected frames as A:B"),
        ("a:b", "expected frames as A:B"),
        ("0:100:-1", "expected a step of at least 1"),
        ("9000:9100", "expected frames within 9000:9100, got 240 in all"),
        ("20:10", "expected frames within 20:10"),
    ],
)
def test_frames_that_are_not_there(
    frames: str,
    complaint: str,
    refused: Callable[..., str],
    real_speaker: Path,
    talking_clip: Path,
    tmp_path: Path,
) -> None:
    options: Words = ["-o", tmp_path / "x.call", "--speaker", real_speaker, "--frames", frames]
    assert complaint in refused("encode", talking_clip, *options)


def test_a_recorded_call_that_is_none(
    refused: Callable[..., str], real_speaker: Path, talking_clip: Path, tmp_path: Path
) -> None:
    call, cut, output = tmp_path / "a.call", tmp_path / "cut.call", tmp_path / "out"
    options: Words = ["--speaker", real_speaker]
    status, _, errors = run(
        *("encode", talking_clip, "-o", call, "--frames", "0:12", *options), cache=tmp_path
    )
    assert status == 0, errors
    decode: Words = ["-o", output, "--size", "64", *options]

    cut.write_bytes(call.read_bytes()[:-5])
    status, _, errors = run(
        *("decode", cut, "-o", tmp_path / "rest", "--size", "64", *options), cache=tmp_path
    )
    assert (status, errors) == (0, "the recording was cut off: this is what there is of it\n")
    cut.write_bytes(b"something else")
    assert "expected a recorded call beginning with" in refused("decode", cut, *decode)
    damaged = bytearray(call.read_bytes())
    damaged[28:60] = bytes(32)
    cut.write_bytes(damaged)
    assert "expected a header with its checksum" in refused("decode", cut, *decode)
    with CallWriter(cut, "0" * 64, None, Fraction(24)) as others:
        for packet in CallReader(call):
            others.write(packet, 4)
    assert "expected a call of speaker" in refused("decode", cut, *decode)


def test_wrong_usage_is_one_line_with_status_two(
    refused: Callable[..., str], real_speaker: Path, talking_clip: Path, tmp_path: Path
) -> None:
    encode: Words = ["encode", talking_clip, "--speaker", real_speaker]
    output: Words = ["-o", tmp_path / "x.call"]
    assert "'lossy'" in refused(*encode, *output, "--profile", "lossy", status=2)
    assert "--output" in refused(*encode, status=2)
    assert "equal to 16." in refused("decode", tmp_path / "x", *output, "--size", "8", status=2)
    assert "http://HOST:PORT" in refused("receive", "--server", "nowhere", status=2)
    assert "dance" in refused("dance", status=2)


def test_a_result_that_cannot_be_written_is_told_before_the_work(
    refused: Callable[..., str], talking_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    for output in (tmp_path, tmp_path / "file" / "me.speaker"):
        assert "expected a place to write" in refused("enroll", talking_clip, "-o", output)


def test_a_camera_that_is_not_there(refused: Callable[..., str], real_speaker: Path) -> None:
    assert "expected a camera at 97" in refused("send", "--camera", "97", "--speaker", real_speaker)


def test_a_demo_on_a_taken_port_fails_at_once(
    refused: Callable[..., str], talking_clip: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"expected port {port} to be free" in refused(
            "demo", "--clip", talking_clip, "--port", port
        )
