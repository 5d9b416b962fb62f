"""Speaker files: what is written is what is read, and nothing in one is believed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from models.enrolment.embedding_net import EmbeddingNet
from models.errors import SpeakerFileError
from models.face.background import REFERENCE_PX, BackgroundReference
from models.face.basis import COEFFICIENTS
from models.face.camera import CameraIntrinsics
from models.face.crop import PortraitCrop
from models.face.embedding import EmbeddingWeights
from models.face.model import FaceModel
from models.face.torso import TORSO_PX, TorsoReference
from models.portrait.config import FieldConfig
from models.portrait.field import SpeakerField
from models.portrait.occupancy import Occupancy
from models.portrait.restore import field_weights, restore_field
from models.portrait.speaker import FORMAT, Speaker, load_speaker, parse_speaker, save_speaker
from models.portrait.weights import field_shapes, pack_field, unpack_field

SMALL = FieldConfig(
    static_cells=16, dynamic_cells=8, coarse_cells=8, torso_cells=16, background_px=16
)


def _face() -> FaceModel:
    weights = {f"embedding.{k}": v.numpy() for k, v in EmbeddingNet().state_dict().items()}
    weights["embedding.mean_crop"] = np.zeros((96, 96, 3), np.float32)
    grey = np.zeros((TORSO_PX, TORSO_PX), np.uint8)
    behind = np.zeros((REFERENCE_PX, REFERENCE_PX), np.uint8)
    return FaceModel(
        CameraIntrinsics(0.8, 0.5, 0.5),
        PortraitCrop(0, 0, 288, 360, 288),
        "0" * 16,
        np.zeros((478, 3), np.float32),
        np.zeros(COEFFICIENTS, np.float32),
        np.ones(COEFFICIENTS, np.float32),
        TorsoReference(grey, grey),
        BackgroundReference(behind, behind),
        EmbeddingWeights.from_tensors(weights),
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "a.speaker"
    tensors = pack_field(field_weights(SpeakerField(SMALL), Occupancy()))
    save_speaker(path, _face(), SMALL, tensors, np.full(46, 0.1, np.float32), {"steps": 1})
    return path


def _rewritten(file: Path, **metadata: str) -> bytes:
    """The file with other metadata."""
    data = file.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return save(load(data), {**header["__metadata__"], **metadata})


def _manifest(file: Path) -> dict[str, object]:
    return dict(load_speaker(file).manifest)


def test_a_speaker_is_named_by_its_bytes_and_reads_back(file: Path) -> None:
    speaker = load_speaker(file)
    assert speaker.id == hashlib.sha256(file.read_bytes()).hexdigest()
    assert speaker.field_config == SMALL
    assert speaker.steps.tolist() == pytest.approx([0.1] * 46)
    assert speaker.face.crop == PortraitCrop(0, 0, 288, 360, 288)


def test_the_field_survives_storage_within_eight_bits(file: Path) -> None:
    torch.manual_seed(0)
    original = SpeakerField(SMALL)
    speaker = load_speaker(file)
    field, occupancy = restore_field(unpack_field(SMALL, speaker.tensors), "cpu")
    for name, tensor in original.state_dict().items():
        stored = field.state_dict()[name]
        assert torch.allclose(stored, tensor, atol=float(tensor.max() - tensor.min()) / 200 + 1e-6)
    assert occupancy.occupied.all()
    assert not any(p.requires_grad for p in field.parameters())


WIDE = dataclasses.replace(SMALL, background_min=(-0.25, 0.0), background_max=(1.0, 1.5))


@pytest.mark.parametrize("config", [FieldConfig(), SMALL, WIDE], ids=["usual", "small", "wide"])
def test_shapes_are_worked_out_as_the_field_has_them(config: FieldConfig) -> None:
    state = SpeakerField(config).state_dict()
    assert field_shapes(config) == {name: tuple(tensor.shape) for name, tensor in state.items()}


def test_no_half_written_file_is_left(file: Path) -> None:
    assert [p.name for p in file.parent.iterdir()] == ["a.speaker"]


@pytest.mark.parametrize("length", [0, 4, 9, 500, 20_000])
def test_a_truncated_file_is_refused(file: Path, length: int) -> None:
    with pytest.raises(SpeakerFileError, match=r"expected .* got"):
        parse_speaker(file.read_bytes()[:length], "x")


def test_a_file_of_another_version_names_both(file: Path) -> None:
    data = _rewritten(file, format="nerfcall-speaker-9")
    with pytest.raises(SpeakerFileError, match=f"{FORMAT}.*nerfcall-speaker-9"):
        parse_speaker(data, "x")


def test_a_speaker_of_the_first_version_must_be_enrolled_again(file: Path) -> None:
    data = _rewritten(file, format="nerfcall-speaker-1")
    with pytest.raises(SpeakerFileError, match="got 'nerfcall-speaker-1'; enrol the speaker again"):
        parse_speaker(data, "x")


def test_something_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "x.speaker"
    other.write_bytes(b"\x00" * 100)
    with pytest.raises(SpeakerFileError, match="expected"):
        load_speaker(other)
    with pytest.raises(SpeakerFileError, match="no file"):
        load_speaker(tmp_path / "missing")


def test_a_header_that_claims_gigabytes_is_refused_before_it_is_read(file: Path) -> None:
    data = (1 << 40).to_bytes(8, "little") + file.read_bytes()[8:]
    with pytest.raises(SpeakerFileError, match="expected a whole speaker file"):
        parse_speaker(data, "x")


@pytest.mark.parametrize(
    ("name", "value"),
    [("static_cells", 10**9), ("static_cells", -1), ("hidden", "32"), ("box_min", [0, 0]),
     ("dynamic_cells", 7), ("box_min", [50, 50, 50]), ("background_min", [0, 0, 0]),
     ("background_max", [9.0, 1.0]), ("background_min", [1.0, 0.0]),
     ("background_max", [0.001, 1.0])],
)  # fmt: skip
def test_absurd_shapes_are_refused(file: Path, name: str, value: object) -> None:
    manifest = _manifest(file)
    manifest["field"] = {**SMALL.to_json(), name: value}
    with pytest.raises(SpeakerFileError, match="expected"):
        parse_speaker(_rewritten(file, manifest=json.dumps(manifest)), "x")


def test_tensors_that_deny_the_configuration_are_refused(file: Path) -> None:
    speaker = load_speaker(file)
    other = dataclasses.replace(SMALL, static_cells=32)
    with pytest.raises(SpeakerFileError, match="expected"):
        unpack_field(other, speaker.tensors)
    missing = {k: v for k, v in speaker.tensors.items() if k != "consistency"}
    with pytest.raises(SpeakerFileError, match="consistency"):
        unpack_field(SMALL, missing)


def test_numbers_that_are_not_finite_are_refused(file: Path) -> None:
    tensors = load(file.read_bytes())
    tensors["field.consistency"] = tensors["field.consistency"] * np.float16(np.nan)
    data = file.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    with pytest.raises(SpeakerFileError, match="finite"):
        parse_speaker(save(tensors, header["__metadata__"]), "x")


def test_steps_must_be_positive(file: Path, tmp_path: Path) -> None:
    speaker: Speaker = load_speaker(file)
    bad = speaker.steps.copy()
    bad[3] = 0.0
    with pytest.raises(SpeakerFileError, match="positive"):
        save_speaker(tmp_path / "b.speaker", speaker.face, SMALL, dict(speaker.tensors), bad, {})
    assert not (tmp_path / "b.speaker").exists()
