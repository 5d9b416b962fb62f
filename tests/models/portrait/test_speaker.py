"""Speaker files: what is written is what is read, and nothing in one is believed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from codec.signal import SignalModel
from models.enrolment.embedding_net import EmbeddingNet
from models.errors import SpeakerFileError
from models.face.background import REFERENCE_PX, BackgroundReference
from models.face.basis import COEFFICIENTS
from models.face.camera import CameraIntrinsics
from models.face.crop import PortraitCrop
from models.face.embedding import EmbeddingWeights
from models.face.model import FaceModel
from models.face.torso import TorsoReference
from models.face.torso_alignment import TORSO_PX
from models.portrait.config import FieldConfig
from models.portrait.field import SpeakerField
from models.portrait.occupancy import Occupancy
from models.portrait.restore import field_weights, restore_field
from models.portrait.speaker import load_speaker, parse_base, parse_speaker, save_speaker
from models.portrait.speaker_layers import (
    FORMAT,
    HEADER_BYTES,
    MAX_BASE_BYTES,
    MAX_BYTES,
    base_layer,
    join_layers,
    split_layers,
)
from models.portrait.weights import field_shapes, pack_field, unpack_field

SIGNAL = SignalModel(
    np.arange(46, dtype=np.float32) / 10,
    np.diag(np.arange(1, 47).astype(np.float32)),
    np.arange(36 * 42, dtype=np.uint8).reshape(36, 42) % 46,
)
SMALL = FieldConfig(
    static_cells=16, dynamic_cells=8, coarse_cells=8, torso_cells=16, background_px=16
)


def _face() -> FaceModel:
    weights = {f"embedding.{k}": v.numpy() for k, v in EmbeddingNet().state_dict().items()}
    weights["embedding.mean_crop"] = np.zeros((96, 96, 3), np.float32)
    weights["embedding.spread"] = np.ones(30, np.float32)
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
    save_speaker(path, _face(), SMALL, tensors, SIGNAL, {"steps": 1})
    return path


def _rewritten(file: Path, tensors: dict[str, np.ndarray] | None = None, **metadata: str) -> bytes:
    """The file with other metadata, or other tensors of the base layer."""
    base, detail = split_layers(file.read_bytes(), "x")
    header = json.loads(base[8 : 8 + int.from_bytes(base[:8], "little")])
    part = save({**load(base), **(tensors or {})}, {**header["__metadata__"], **metadata})
    return join_layers(part, detail)


def _version(file: Path, version: int) -> bytes:
    return file.read_bytes().replace(FORMAT.encode(), b"nerfcall-speaker-%d" % version, 1)


def _manifest(file: Path) -> dict[str, object]:
    return dict(load_speaker(file).manifest)


def test_a_speaker_is_named_by_its_bytes_and_reads_back(file: Path) -> None:
    speaker = load_speaker(file)
    assert speaker.id == hashlib.sha256(file.read_bytes()).hexdigest()
    assert speaker.field_config == SMALL
    for name in ("mean", "basis", "classes"):
        assert np.array_equal(getattr(speaker.signal, name), getattr(SIGNAL, name))
    assert speaker.face.crop == PortraitCrop(0, 0, 288, 360, 288)


def test_the_field_survives_storage_about_as_in_eight_bits(file: Path) -> None:
    torch.manual_seed(0)
    original = SpeakerField(SMALL)
    speaker = load_speaker(file)
    field, occupancy = restore_field(unpack_field(SMALL, speaker.tensors), "cpu")
    for name, tensor in original.state_dict().items():
        stored = field.state_dict()[name]
        # A coefficient is off by a step at most, and a value by a few coefficients.
        assert torch.allclose(stored, tensor, atol=float(tensor.max() - tensor.min()) / 64 + 1e-6)
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
    with pytest.raises(SpeakerFileError, match=f"{FORMAT}.*nerfcall-speaker-9'$"):
        parse_speaker(_version(file, 9), "x")


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_speaker_of_an_earlier_version_must_be_enrolled_again(version: int) -> None:
    # They were one safetensors file.
    planes = np.zeros(MAX_BYTES, np.uint8)
    old = save({"planes": planes}, {"format": f"nerfcall-speaker-{version}"})
    expected = f"{FORMAT}, got 'nerfcall-speaker-{version}'; enrol the speaker again"
    with pytest.raises(SpeakerFileError, match=expected):
        parse_speaker(old, "x")


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
    base, detail = split_layers(file.read_bytes(), "x")
    claims = (1 << 40).to_bytes(8, "little")
    for parts in ((claims + base[8:], detail), (base, claims + detail[8:])):
        with pytest.raises(SpeakerFileError, match="expected a whole speaker file"):
            parse_speaker(join_layers(*parts), "x")


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
    consistency = np.full(SMALL.consistency_dim, np.nan, np.float16)
    with pytest.raises(SpeakerFileError, match="finite"):
        parse_speaker(_rewritten(file, {"field.consistency": consistency}), "x")


@pytest.mark.parametrize(("kind", "size"), [("BF16", 2), ("C64", 8), ("BOOL", 1)])
def test_types_that_no_speaker_file_has_are_refused(file: Path, kind: str, size: int) -> None:
    base, _ = split_layers(file.read_bytes(), "x")
    odd = {"face.odd": {"dtype": kind, "shape": [1], "data_offsets": [0, size]}}
    header = json.dumps(odd).encode()
    detail = len(header).to_bytes(8, "little") + header + bytes(size)
    with pytest.raises(SpeakerFileError, match=r"expected (numbers|types of numpy), got"):
        parse_speaker(join_layers(base, detail), "x")


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"signal.basis": np.zeros((46, 46), np.float32)}, "signal: .* can be inverted"),
        ({"signal.mean": np.zeros(45, np.float32)}, r"signal: .*\(46,\), got float32 \(45,\)"),
        ({"signal.classes": np.full((36, 42), 200, np.uint8)}, "signal: .* classes below 46"),
    ],
)
def test_a_signal_model_that_cannot_be_is_refused(
    file: Path, tensors: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(SpeakerFileError, match=message):
        parse_speaker(_rewritten(file, tensors), "x")


def test_the_bytes_of_a_file_are_as_the_protocol_says() -> None:
    data = join_layers(b"base", b"detail")
    assert data == (
        b"nerfcall-speaker-7\0\0" + b"\0\0\0\x04" + b"\0\0\0\x06" + bytes(4) + b"basedetail"
    )
    assert split_layers(data, "x") == (b"base", b"detail")
    layer = base_layer(data, "x")
    assert layer.bytes == 36
    assert layer.sha256 == hashlib.sha256(data[:36]).hexdigest()


def test_the_beginning_of_a_file_is_a_portrait_with_everything_that_draws(file: Path) -> None:
    whole, data = load_speaker(file), file.read_bytes()
    base = parse_base(data[: base_layer(data, "x").bytes], "x")
    assert (base.camera, base.field_config) == (whole.face.camera, whole.field_config)
    assert base.manifest == whole.manifest
    assert np.array_equal(base.signal.basis, whole.signal.basis)
    rough, fine = (unpack_field(SMALL, part.tensors) for part in (base, whole))
    assert np.array_equal(rough.occupied, fine.occupied)
    for name, values in fine.arrays.items():
        error = float(np.abs(rough[name] - values).max())
        if values.ndim < 4:
            assert error == 0.0, "networks are all in the base layer"
        elif values.any():
            assert 0.0 < error < np.ptp(values) / 10, name


@pytest.mark.parametrize("off", [-1, 1])
def test_a_base_layer_of_another_length_is_refused(file: Path, off: int) -> None:
    data = file.read_bytes()
    with pytest.raises(SpeakerFileError, match="expected a base layer of"):
        parse_base(data[: base_layer(data, "x").bytes + off], "x")


def test_a_tensor_in_the_wrong_layer_is_refused(file: Path) -> None:
    base, detail = split_layers(file.read_bytes(), "x")
    with pytest.raises(SpeakerFileError, match=r"steps.*expected in the base layer"):
        parse_speaker(join_layers(base, save({**load(detail), "steps": np.ones(46)})), "x")
    header = json.loads(base[8 : 8 + int.from_bytes(base[:8], "little")])
    early = save({**load(base), "face.neutral": np.ones(3)}, header["__metadata__"])
    with pytest.raises(SpeakerFileError, match=r"neutral.*expected in the detail layer"):
        parse_speaker(join_layers(early, detail), "x")


def test_layers_beyond_their_limits_are_neither_written_nor_read(file: Path) -> None:
    with pytest.raises(SpeakerFileError, match="base layer of at most 700000 bytes"):
        join_layers(bytes(MAX_BASE_BYTES), b"")
    with pytest.raises(SpeakerFileError, match="speaker file of at most 3000000 bytes"):
        join_layers(b"", bytes(MAX_BYTES))
    with pytest.raises(SpeakerFileError, match="expected at most 3000000 bytes, got more"):
        parse_speaker(file.read_bytes() + bytes(MAX_BYTES), "x")
    header = bytearray(file.read_bytes()[:HEADER_BYTES])
    header[20:24] = MAX_BASE_BYTES.to_bytes(4, "big")
    with pytest.raises(SpeakerFileError, match="base layer of at most 700000 bytes"):
        parse_base(bytes(header), "x")


def test_a_field_that_claims_to_be_huge_takes_no_memory(file: Path) -> None:
    speaker = load_speaker(file)
    huge = dataclasses.replace(SMALL, static_cells=1024, static_channels=1024)
    with pytest.raises(SpeakerFileError, match="expected at most 8388608 values"):
        unpack_field(huge, speaker.tensors)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("speaker") / "a.speaker"
    tensors = pack_field(field_weights(SpeakerField(SMALL), Occupancy()))
    save_speaker(path, _face(), SMALL, tensors, SIGNAL, {})
    return path.read_bytes()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_byte_is_damaged_a_file_is_refused_or_read_with_finite_numbers(
    intact: bytes, data: st.DataObject
) -> None:
    base = base_layer(intact, "x").bytes
    # Headers are where damage makes sense of another kind.
    begins = data.draw(st.sampled_from([0, HEADER_BYTES, base, base + 4000]))
    at = begins + data.draw(st.integers(0, 3000))
    damaged = bytearray(intact)
    damaged[at] = data.draw(st.integers(0, 255))
    try:
        speaker = parse_speaker(bytes(damaged), "x")
        weights = unpack_field(speaker.field_config, speaker.tensors)
    except SpeakerFileError as error:
        assert "\n" not in str(error)
    else:
        assert all(np.isfinite(values).all() for values in weights.arrays.values())
