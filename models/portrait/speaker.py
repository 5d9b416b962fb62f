"""The speaker file: one person's face model, radiance field and signal model, in two layers.

Two safetensors parts (never pickle: they cross a network) behind a small header. The base layer
holds what a receiver needs to draw: a JSON `manifest` in its metadata, the signal model
(`signal.…`), and the field (`field.…`) with its planes roughly. The detail layer holds what the
planes lack (`field.detail.…`), and what only a sender needs: the face (`face.…`) and its
embedding (`embedding.…`). A speaker is named by the sha256 of the file's bytes. Reading needs no
torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from codec.errors import CodecError
from codec.signal import SignalModel
from models.errors import SpeakerFileError
from models.face.camera import CameraIntrinsics
from models.face.model import FaceModel, read_camera
from models.portrait.coding.field_planes import DETAIL
from models.portrait.coding.rows import pack_rows, unpack_rows
from models.portrait.config import FieldConfig
from models.portrait.speaker_layers import MAX_BYTES, join_layers, split_base, split_layers

FIELD_PREFIX = "field."
SIGNAL = ("mean", "basis", "classes")
EMBEDDING_PREFIX = "embedding."
DETAIL_PREFIXES = (FIELD_PREFIX + DETAIL, "face.", EMBEDDING_PREFIX)
"""Of the tensors in the detail layer; all others are in the base layer."""

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class SpeakerBase:
    """A loaded base layer: a portrait that can be drawn, not yet at its best.

    Attributes:
        camera: of the portrait.
        field_config: shape of the field.
        tensors: the field's tensors as stored, names without `field.`.
        signal: how the numbers are coded.
        manifest: all of the manifest.
    """

    camera: CameraIntrinsics
    field_config: FieldConfig
    tensors: Mapping[str, NDArray[np.generic]]
    signal: SignalModel
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Speaker:
    """A loaded speaker file.

    Attributes:
        id: sha256 of the file, 64 hexadecimal digits.
        face: what a sender needs, with the embedding.
        field_config: shape of the field.
        tensors: the field's tensors as stored, names without `field.`.
        signal: how the numbers are coded.
        manifest: all of the manifest.
    """

    id: str
    face: FaceModel
    field_config: FieldConfig
    tensors: Mapping[str, NDArray[np.generic]]
    signal: SignalModel
    manifest: Mapping[str, Any]

    @property
    def camera(self) -> CameraIntrinsics:
        """Of the portrait."""
        return self.face.camera


def save_speaker(
    path: str | Path,
    face: FaceModel,
    field_config: FieldConfig,
    tensors: Mapping[str, NDArray[np.generic]],
    signal: SignalModel,
    enrolment: Mapping[str, Any],
) -> Speaker:
    """Writes a speaker file, in one piece or not at all, and returns it as loaded.

    Args:
        path: where.
        face: with an embedding.
        field_config: shape of the field.
        tensors: the field's, as stored.
        signal: how the numbers are coded.
        enrolment: how it was made; kept in the manifest for people.

    Raises:
        SpeakerFileError: it does not fit a speaker file, or cannot be read back.
    """
    manifest = {**face.manifest(), "field": field_config.to_json(), "enrolment": dict(enrolment)}
    faces = face.to_tensors()
    embedding = {name: faces.pop(name) for name in list(faces) if name.startswith(EMBEDDING_PREFIX)}
    everything: Tensors = {**faces, **pack_rows(embedding)}
    everything |= {FIELD_PREFIX + name: tensor for name, tensor in tensors.items()}
    everything |= {f"signal.{name}": getattr(signal, name) for name in SIGNAL}
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in everything.items()}
    detail = {n: tensor for n, tensor in contiguous.items() if n.startswith(DETAIL_PREFIXES)}
    base = {name: tensor for name, tensor in contiguous.items() if name not in detail}
    data = join_layers(save(base, {"manifest": json.dumps(manifest)}), save(detail))
    speaker = parse_speaker(data, str(path))
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".part")
    temporary.write_bytes(data)
    temporary.replace(target)
    return speaker


def load_speaker(path: str | Path) -> Speaker:
    """Loads a speaker file.

    Raises:
        SpeakerFileError: no such file, truncated, of another version, or of absurd content.
    """
    file = Path(path)
    if not file.is_file():
        raise SpeakerFileError(f"expected a speaker file, got no file at {path}")
    with file.open("rb") as stream:
        return parse_speaker(stream.read(MAX_BYTES + 1), str(path))


def parse_speaker(data: bytes, name: str) -> Speaker:
    """Reads a speaker from the bytes of its file.

    Args:
        data: the file.
        name: what to call it in errors.

    Raises:
        SpeakerFileError: as `load_speaker`.
    """
    base_part, detail_part = split_layers(data, name)
    base = _read_base(base_part, name)
    detail, _ = _read_part(detail_part, name)
    if stray := [tensor for tensor in detail if not tensor.startswith(DETAIL_PREFIXES)]:
        raise SpeakerFileError(f"{name}: {stray[0]:.60}: expected in the base layer, got in detail")
    face = FaceModel.from_tensors(unpack_rows(detail), base.manifest)
    if face.embedding is None:
        raise SpeakerFileError(f"{name}: expected a speaker with an embedding, got none")
    return Speaker(
        hashlib.sha256(data).hexdigest(),
        face,
        base.field_config,
        {**base.tensors, **_field(detail)},
        base.signal,
        base.manifest,
    )


def parse_base(data: bytes, name: str) -> SpeakerBase:
    """Reads a base layer: the beginning of a speaker file.

    Args:
        data: the layer, all of it and no more.
        name: what to call it in errors.

    Raises:
        SpeakerFileError: as `load_speaker`.
    """
    return _read_base(split_base(data, name), name)


def _read_base(part: bytes, name: str) -> SpeakerBase:
    tensors, metadata = _read_part(part, name)
    try:
        manifest = json.loads(metadata.get("manifest", ""))
    except (ValueError, RecursionError) as error:
        raise SpeakerFileError(f"{name}: expected a manifest, got {error}") from error
    if not isinstance(manifest, dict):
        raise SpeakerFileError(f"{name}: expected a manifest object, got {manifest!r:.60}")
    if stray := [tensor for tensor in tensors if tensor.startswith(DETAIL_PREFIXES)]:
        raise SpeakerFileError(f"{name}: {stray[0]:.60}: expected in the detail layer, got in base")
    return SpeakerBase(
        read_camera(manifest),
        FieldConfig.from_json(manifest.get("field")),
        _field(tensors),
        _signal(tensors, name),
        manifest,
    )


def _read_part(part: bytes, name: str) -> tuple[Tensors, dict[str, str]]:
    """Tensors and metadata of a safetensors part; floating ones are finite.

    Raises:
        SpeakerFileError: it is none.
    """
    try:
        tensors: Tensors = load(part)
    except (ValueError, SafetensorError) as error:
        raise SpeakerFileError(f"{name}: expected a whole speaker file, got {error}") from error
    except KeyError as error:  # numpy has no such type
        raise SpeakerFileError(f"{name}: expected types of numpy, got {error}") from error
    for tensor_name, tensor in tensors.items():
        if tensor.dtype.kind not in "fiu":
            raise SpeakerFileError(f"{name}: {tensor_name}: expected numbers, got {tensor.dtype}")
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise SpeakerFileError(f"{name}: {tensor_name}: expected finite numbers, got others")
    # That it could be loaded says that this is its header.
    header = json.loads(part[8 : 8 + int.from_bytes(part[:8], "little")])
    return tensors, header.get("__metadata__") or {}


def _field(tensors: Mapping[str, NDArray[Any]]) -> Tensors:
    return {
        key.removeprefix(FIELD_PREFIX): tensor
        for key, tensor in tensors.items()
        if key.startswith(FIELD_PREFIX)
    }


def _signal(tensors: Mapping[str, NDArray[Any]], name: str) -> SignalModel:
    found = [tensors.get(f"signal.{part}") for part in SIGNAL]
    if any(tensor is None for tensor in found):
        raise SpeakerFileError(f"{name}: signal: expected {', '.join(SIGNAL)}, got not all of them")
    try:
        return SignalModel(*(np.asarray(tensor) for tensor in found))
    except CodecError as error:
        raise SpeakerFileError(f"{name}: signal: {error}") from error
