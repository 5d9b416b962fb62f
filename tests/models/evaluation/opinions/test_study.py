"""Studies: which videos meet each other, and what a folder must hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.errors import StudyError
from models.evaluation.opinions.study import Kind
from models.evaluation.opinions.study_folder import load_study, save_study, video_path
from tests.models.evaluation.opinions.studies import store, study_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return store(study_of(("ann",)), tmp_path / "study", frames=2)


def test_nerfcall_meets_every_other_of_its_own_clip() -> None:
    study = study_of()
    assert len(study.pairs) == 2 * 3
    for pair in study.pairs:
        first, second = study.stimulus(pair.first), study.stimulus(pair.second)
        assert first.clip == second.clip
        assert Kind.OURS in (first.condition.kind, second.condition.kind)


def test_every_pair_is_every_pair() -> None:
    study = study_of(every_pair=True)
    assert len({frozenset((p.first, p.second)) for p in study.pairs}) == 2 * 6


def test_a_study_survives_the_disk(folder: Path) -> None:
    assert load_study(folder) == study_of(("ann",))


def test_a_video_that_is_gone(folder: Path) -> None:
    missing = video_path(folder, study_of(("ann",)).stimuli[2])
    missing.unlink()
    with pytest.raises(StudyError, match=f"{missing.name}: expected a video, got none"):
        load_study(folder)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "nerfcall-study-9", "expected a study of format nerfcall-study-1"),
        ("stimuli", None, "expected a whole study, got TypeError"),
        ("pairs", [], "expected pairs of its own stimuli"),
        ("pairs", [{"id": "p", "first": "00", "second": "01"}], "expected pairs of its own"),
        ("side_px", "big", "expected a whole study"),
    ],
)
def test_a_manifest_that_is_none(folder: Path, key: str, value: object, message: str) -> None:
    path = folder / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(StudyError, match=message):
        load_study(folder)


def test_an_id_that_would_lead_out_of_the_folder(folder: Path) -> None:
    path = folder / "study.json"
    path.write_text(path.read_text().replace("0000beef", "../../00"))
    with pytest.raises(StudyError, match="expected ids of hexadecimal digits"):
        load_study(folder)


def test_a_folder_without_a_study(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="expected a study of nerfcall opinions"):
        load_study(tmp_path)


def test_a_stimulus_twice(folder: Path) -> None:
    study = study_of(("ann", "ann"))
    document = json.loads((folder / "study.json").read_text())
    save_study(study, folder)
    document["stimuli"] += document["stimuli"][:1]
    (folder / "study.json").write_text(json.dumps(document))
    with pytest.raises(StudyError, match="expected one stimulus of each id"):
        load_study(folder)
