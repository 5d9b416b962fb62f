"""The speaker file: one person's face model, radiance field and quantiser steps.

A safetensors file (never pickle: it crosses a network). Its metadata hold `format` and a JSON
`manifest`; its tensors are the face's (`face.…`, `embedding.…`), the field's (`field.…`) and
`steps`. A speaker is named by the sha256 of the file's bytes. Reading needs no torch.
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

from codec.face import CHANNELS
from models.errors import SpeakerFileError
from models.face.model import FaceModel
from models.portrait.config import FieldConfig

FORMAT = "nerfcall-speaker-3"
OUTDATED = ("nerfcall-speaker-1", "nerfcall-speaker-2")
"""Formats of earlier versions, which knew no background motion."""
FIELD_PREFIX = "field."
MAX_BYTES = 4 * 1024 * 1024
MAX_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Speaker:
    """A loaded speaker file.

    Attributes:
        id: sha256 of the file, 64 hexadecimal digits.
        face: what a sender needs, with the embedding.
        field_config: shape of the field.
        tensors: the field's tensors as stored, names without `field.`.
        steps: (46,) float32 quantiser steps, in wire order.
        manifest: all of the manifest.
    """

    id: str
    face: FaceModel
    field_config: FieldConfig
    tensors: Mapping[str, NDArray[np.generic]]
    steps: NDArray[np.float32]
    manifest: Mapping[str, Any]


def save_speaker(
    path: str | Path,
    face: FaceModel,
    field_config: FieldConfig,
    tensors: Mapping[str, NDArray[np.generic]],
    steps: NDArray[np.float32],
    enrolment: Mapping[str, Any],
) -> Speaker:
    """Writes a speaker file, in one piece or not at all, and returns it as loaded.

    Args:
        path: where.
        face: with an embedding.
        field_config: shape of the field.
        tensors: the field's, as stored.
        steps: (46,) quantiser steps.
        enrolment: how it was made; kept in the manifest for people.
    """
    manifest = {**face.manifest(), "field": field_config.to_json(), "enrolment": dict(enrolment)}
    everything: dict[str, NDArray[np.generic]] = dict(face.to_tensors())
    for name, tensor in list(everything.items()):
        if name.startswith("embedding."):
            everything[name] = tensor.astype(np.float16)
    everything |= {FIELD_PREFIX + name: tensor for name, tensor in tensors.items()}
    everything["steps"] = steps.astype(np.float32)
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in everything.items()}
    data = save(contiguous, {"format": FORMAT, "manifest": json.dumps(manifest)})
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
    size = file.stat().st_size
    if size > MAX_BYTES:
        raise SpeakerFileError(f"{path}: expected at most {MAX_BYTES} bytes, got {size}")
    return parse_speaker(file.read_bytes(), str(path))


def parse_speaker(data: bytes, name: str) -> Speaker:
    """Reads a speaker from the bytes of its file.

    Args:
        data: the file.
        name: what to call it in errors.

    Raises:
        SpeakerFileError: as `load_speaker`.
    """
    if len(data) > MAX_BYTES:
        raise SpeakerFileError(f"{name}: expected at most {MAX_BYTES} bytes, got {len(data)}")
    metadata = _metadata(data, name)
    got = metadata.get("format", "another safetensors file")
    if got != FORMAT:
        hint = "; enrol the speaker again" if got in OUTDATED else ""
        raise SpeakerFileError(f"{name}: expected a speaker file {FORMAT}, got {got!r:.60}{hint}")
    try:
        manifest = json.loads(metadata.get("manifest", ""))
        tensors: dict[str, NDArray[Any]] = load(data)
    except (ValueError, SafetensorError) as error:
        raise SpeakerFileError(f"{name}: expected a whole speaker file, got {error}") from error
    if not isinstance(manifest, dict):
        raise SpeakerFileError(f"{name}: expected a manifest object, got {manifest!r:.60}")
    for tensor_name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise SpeakerFileError(f"{name}: {tensor_name}: expected finite numbers, got others")
    face = FaceModel.from_tensors(tensors, manifest)
    if face.embedding is None:
        raise SpeakerFileError(f"{name}: expected a speaker with an embedding, got none")
    field = {
        key.removeprefix(FIELD_PREFIX): tensor
        for key, tensor in tensors.items()
        if key.startswith(FIELD_PREFIX)
    }
    return Speaker(
        hashlib.sha256(data).hexdigest(),
        face,
        FieldConfig.from_json(manifest.get("field")),
        field,
        _steps(tensors, name),
        manifest,
    )


def _metadata(data: bytes, name: str) -> dict[str, str]:
    """The safetensors header's metadata, read by hand so that its size is bounded first."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise SpeakerFileError(
            f"{name}: expected a whole speaker file, got {len(data)} bytes of one"
        )
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise SpeakerFileError(
            f"{name}: expected a speaker file, got another kind of file"
        ) from error
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _steps(tensors: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    steps = tensors.get("steps")
    if steps is None or steps.shape != (CHANNELS,) or steps.dtype != np.float32:
        got = None if steps is None else (steps.shape, steps.dtype.name)
        raise SpeakerFileError(f"{name}: steps: expected ({CHANNELS},) float32, got {got}")
    if not (steps > 0).all():
        raise SpeakerFileError(f"{name}: steps: expected positive steps, got {steps.min()}")
    return np.asarray(steps, np.float32)
