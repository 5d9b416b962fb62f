"""A codec behind a command, as docs/evaluation.md tells its author."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from models.errors import BaselineError
from models.evaluation.codecs.coding import Footage, Mode
from models.evaluation.codecs.external import ExternalCodec
from tests.models.evaluation.codecs.footage import drifting_footage

# Keeps as many high bits as the rate allows, and deflates them frame by frame.
CODEC = """
import json, sys, zlib
from pathlib import Path
import numpy as np

step, folder = sys.argv[1], Path(sys.argv[2])
job = json.loads((folder / "job.json").read_text())
shape = (job["frames"], job["height"], job["width"], 3)
if step == "encode":
    source = np.fromfile(folder / "source.rgb", np.uint8).reshape(shape)
    for bits in (8, 6, 4, 2, 1):
        frames = [zlib.compress((frame >> (8 - bits)).tobytes(), 9) for frame in source]
        kbps = 8 * sum(map(len, frames)) * job["fps"] / job["frames"] / 1000
        if kbps <= job["target_kbps"]:
            break
    frames[0] = bytes([bits]) + frames[0]
    (folder / "bitstream.bin").write_bytes(b"".join(frames))
    (folder / "sizes.txt").write_text("\\n".join(str(len(frame)) for frame in frames))
else:
    assert not (folder / "source.rgb").exists() and not (folder / "sizes.txt").exists()
    data = (folder / "bitstream.bin").read_bytes()
    bits, data = data[0], data[1:]
    with open(folder / "decoded.rgb", "wb") as decoded:
        while data:
            inflate = zlib.decompressobj()
            frame = np.frombuffer(inflate.decompress(data), np.uint8)
            decoded.write((frame << (8 - bits)).tobytes())
            data = inflate.unused_data
"""


@pytest.fixture(scope="module")
def footage() -> Footage:
    return drifting_footage(frames=3, side_px=32)


def codec(folder: Path, program: str, timeout_s: float = 30.0) -> ExternalCodec:
    script = folder / "codec.py"
    script.write_text(program)
    return ExternalCodec("mine", (sys.executable, str(script)), timeout_s)


def test_pictures_come_back_through_nothing_but_the_bytes(footage: Footage, tmp_path: Path) -> None:
    mine = codec(tmp_path, CODEC)
    assert (mine.name, mine.mode) == ("mine", Mode.EXTERNAL)
    errors: list[float] = []
    rates_kbps: list[float] = []
    for coded in mine.code(footage, [100.0, 10_000.0]):
        pictures = np.stack(list(coded.decode()))
        assert pictures.shape == footage.pictures.shape
        errors.append(float(np.abs(pictures.astype(int) - footage.pictures).mean()))
        rates_kbps.append(coded.payload.kbps)
        assert 0 < (coded.payload.kbps_without_first_frame or 0) <= coded.payload.kbps + 1
    assert errors[0] > 10 and errors[1] == 0
    assert rates_kbps[0] < rates_kbps[1]


def test_without_sizes_the_first_frame_is_not_told_apart(footage: Footage, tmp_path: Path) -> None:
    program = CODEC.replace('(folder / "sizes.txt").write_text', "str")
    (coded,) = codec(tmp_path, program).code(footage, [1e4])
    assert coded.payload.kbps_without_first_frame is None


def test_nothing_is_left_behind(
    footage: Footage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    seen = [len(list(scratch.iterdir())) for _ in codec(tmp_path, CODEC).code(footage, [9.0, 99.0])]
    assert seen == [1, 1] and list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            "import sys; sys.exit('out of\\nidle bits')",
            r"encode: expected status 0, got 1 \(out of idle bits\)",
        ),
        ("pass", "encode: expected bitstream.bin with bytes, got none"),
        (
            CODEC.replace("str(len(frame))", "str(len(frame) + 1)"),
            "expected sizes.txt with 3 numbers",
        ),
        (CODEC.replace("str(len(frame))", "'x'"), "expected sizes.txt with 3 numbers"),
        (
            CODEC.replace("(8 - bits)).tobytes())", "(8 - bits)).tobytes()[1:])"),
            "decoded.rgb of 9216 bytes, got 92",
        ),
        ("import time; time.sleep(60)", "encode: expected an end within 0.5 s, got none"),
    ],
)
def test_a_command_that_breaks_the_rules_is_told_which(
    program: str, message: str, footage: Footage, tmp_path: Path
) -> None:
    timeout_s = 0.5 if "sleep" in program else 30.0
    with pytest.raises(BaselineError, match=f"^mine .*{message}"):
        next(codec(tmp_path, program, timeout_s).code(footage, [1e4]))


def test_a_command_that_is_none_is_named(footage: Footage) -> None:
    missing = ExternalCodec("mine", ("/nonexistent/codec",))
    with pytest.raises(BaselineError, match="mine: expected a command to run, got No such file"):
        next(missing.code(footage, [9.0]))


def test_the_job_says_all_there_is_to_know(footage: Footage, tmp_path: Path) -> None:
    copy = tmp_path / "job.json"
    program = (
        f"import shutil, sys; shutil.copy(sys.argv[2] + '/job.json', {str(copy)!r}); sys.exit(1)"
    )
    with pytest.raises(BaselineError):
        next(codec(tmp_path, program).code(footage, [4.5]))
    assert json.loads(copy.read_text()) == {
        "width": 32,
        "height": 32,
        "frames": 3,
        "fps": 25.0,
        "target_kbps": 4.5,
    }
