"""The file that lists what is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import ExperimentError
from models.evaluation.codecs.external import TIMEOUT_S
from models.evaluation.comparison.experiment import load_experiment

WHOLE = """
[[clip]]
path = "clips/a.mp4"
speaker = "a.speaker"
frames = "400:500"

[[clip]]
name = "the end"
path = "clips/a.mp4"
speaker = "a.speaker"
frames = "-40:"

[[codec]]
name = "mine"
command = ["./mine", "--fast"]
timeout_s = 60

[[codec]]
name = "theirs"
command = ["theirs"]
"""
CLIP = '[[clip]]\npath = "clips/a.mp4"\nspeaker = "a.speaker"\nframes = "0:9"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").touch()
    (tmp_path / "a.speaker").touch()
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "experiment.toml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_file(folder: Path) -> None:
    experiment = load_experiment(write(folder, WHOLE))
    first, second = experiment.subjects
    assert (first.name, second.name) == ("a", "the end")
    assert first.clip == folder / "clips" / "a.mp4" and first.speaker == folder / "a.speaker"
    assert (first.frames, first.frames_text) == (slice(400, 500), "400:500")
    assert (second.frames, second.frames_text) == (slice(-40, None), "-40:")
    mine, theirs = experiment.codecs
    assert mine.command == (str(folder / "mine"), "--fast") and mine.timeout_s == 60
    # A word without a slash is looked up on the PATH.
    assert theirs.command == ("theirs",) and theirs.timeout_s == TIMEOUT_S


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"expected at least one \[\[clip\]\], got none"),
        ("clip = 3", r"expected \[\[clip\]\] tables, got 3"),
        ("[[clip", "expected a TOML file of clips"),
        ("[[clips]]\n", "the file: expected clip, codec, got 'clips'"),
        (CLIP + "size = 3\n", "expected frames, name, path, speaker, got 'size'"),
        (CLIP.replace("frames", "name"), "expected frames as a text, got None"),
        (CLIP.replace('"0:9"', '"9"'), "expected frames as A:B"),
        (CLIP.replace('"0:9"', '"0:9:2"'), "expected consecutive frames A:B, got a step of 2"),
        (CLIP.replace("a.speaker", "b.speaker"), "expected a file, got .*b.speaker"),
        (CLIP + CLIP, "expected one clip of each name, got 'a' twice"),
        (CLIP + '[[codec]]\nname = "x"\ncommand = "x"\n', "expected command as a list of words"),
        (CLIP + '[[codec]]\nname = "x"\ncommand = []\n', "expected command as a list of words"),
        (CLIP + '[[codec]]\ncommand = ["x"]\n', "expected name as a text, got None"),
        (
            CLIP + '[[codec]]\nname = "x"\ncommand = ["x"]\ntimeout_s = 0\n',
            "expected timeout_s above zero, got 0",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, message: str, folder: Path) -> None:
    with pytest.raises(ExperimentError, match=rf"experiment\.toml: .*{message}"):
        load_experiment(write(folder, text))


def test_a_program_behind_a_link_is_called_by_the_links_name(folder: Path) -> None:
    (folder / "program").touch()
    (folder / "link").symlink_to(folder / "program")
    text = CLIP + '[[codec]]\nname = "x"\ncommand = ["./link"]\n'
    (codec,) = load_experiment(write(folder, text)).codecs
    assert codec.command == (str(folder / "link"),)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"none\.toml: expected a TOML file of clips"):
        load_experiment(tmp_path / "none.toml")
