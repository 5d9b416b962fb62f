"""What enrolment trains on: the tracked frames of a clip, in memory and as one file."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from codec.face import BACKGROUND_DIM, POSE_DIM, TORSO_DIM
from models.errors import EnrolmentError, SpeakerFileError
from models.face.basis import COEFFICIENTS
from models.face.crop import FACE_CROP_PX
from models.face.mesh import LANDMARKS
from models.face.model import FaceModel

FORMAT = "nerfcall-dataset-3"

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrackedDataset:
    """N tracked frames of one speaker, all with a face, in the order of time.

    Attributes:
        face: the speaker without an embedding.
        portraits: (N, S, S, 3) uint8 RGB.
        faces: (N, 96, 96, 3) uint8, the aligned face crops that the embedding sees.
        poses: (N, 6) float32, rotation (axis times angle) and translation (cm), camera ← head.
        coefficients: (N, 79) float32, not standardised.
        torso: (N, 6) float32, as `codec.face.FaceState.torso`.
        background: (N, 4) float32, as `codec.face.FaceState.background`.
        landmarks: (N, 478, 2) float32, in units of the portrait's side.
        tracking: (N,) uint8, `codec.face.Tracking`.
        indices: (N,) int64, decoded frame numbers in the clip.
        pts_ms: (N,) int64, presentation times.
        person: (N, S/2, S/2) uint8, how surely each pixel is the person; None if not asked for.
    """

    face: FaceModel
    portraits: Bytes
    faces: Bytes
    poses: Floats
    coefficients: Floats
    torso: Floats
    background: Floats
    landmarks: Floats
    tracking: Bytes
    indices: NDArray[np.int64]
    pts_ms: NDArray[np.int64]
    person: Bytes | None = None

    def __len__(self) -> int:
        return len(self.portraits)

    @property
    def size(self) -> int:
        """Side of the portraits in pixels."""
        return int(self.portraits.shape[1])

    def pick(self, numbers: slice | NDArray[np.integer]) -> TrackedDataset:
        """Some of the frames; a slice shares memory."""
        parts = {name: getattr(self, name)[numbers] for name in ARRAYS}
        person = None if self.person is None else self.person[numbers]
        return replace(self, **parts, person=person)


ARRAYS: dict[str, type] = {
    "portraits": np.uint8,
    "faces": np.uint8,
    "poses": np.float32,
    "coefficients": np.float32,
    "torso": np.float32,
    "background": np.float32,
    "landmarks": np.float32,
    "tracking": np.uint8,
    "indices": np.int64,
    "pts_ms": np.int64,
}


def save_dataset(dataset: TrackedDataset, path: str | Path) -> None:
    """Saves a data set as one safetensors file, in one piece or not at all."""
    tensors = {f"frames.{name}": getattr(dataset, name) for name in ARRAYS}
    if dataset.person is not None:
        tensors["frames.person"] = dataset.person
    tensors |= dataset.face.to_tensors()
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    metadata = {"format": FORMAT, "face": json.dumps(dataset.face.manifest())}
    temporary = Path(path).with_name(f"{Path(path).name}.part")
    save_file(tensors, str(temporary), metadata)
    temporary.replace(path)


def is_dataset(path: str | Path) -> bool:
    """Tells a data set from a clip by the file's own header."""
    try:
        with safe_open(str(path), "numpy") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError):
        return False


def load_dataset(path: str | Path) -> TrackedDataset:
    """Loads a data set.

    Raises:
        EnrolmentError: no such file, not a data set, or one of absurd content.
    """
    if not Path(path).is_file():
        raise EnrolmentError(f"expected a tracked data set, got no file at {path}")
    try:
        with safe_open(str(path), "numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            names = file.keys()
            tensors: dict[str, NDArray[Any]] = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise EnrolmentError(f"{path}: expected a tracked data set, got {error}") from error
    if metadata.get("format") != FORMAT:
        got = metadata.get("format", "another safetensors file")
        raise EnrolmentError(f"{path}: expected a data set of format {FORMAT}, got {got}")
    try:
        face = FaceModel.from_tensors(tensors, json.loads(metadata.get("face", "")))
    except (SpeakerFileError, ValueError) as error:
        raise EnrolmentError(f"{path}: expected the speaker's face, got: {error}") from error
    person = tensors.get("frames.person")
    return TrackedDataset(face, **_checked(path, tensors), person=person)


def _checked(path: str | Path, tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Returns the arrays of a data set, their shapes and types checked against each other."""
    portraits = tensors.get("frames.portraits")
    if portraits is None or portraits.ndim != 4 or len(portraits) == 0:
        raise EnrolmentError(f"{path}: expected portraits of (N, S, S, 3), got none such")
    n, size = portraits.shape[:2]
    shapes: dict[str, tuple[int, ...]] = {
        "portraits": (n, size, size, 3),
        "faces": (n, FACE_CROP_PX, FACE_CROP_PX, 3),
        "poses": (n, POSE_DIM),
        "coefficients": (n, COEFFICIENTS),
        "torso": (n, TORSO_DIM),
        "background": (n, BACKGROUND_DIM),
        "landmarks": (n, LANDMARKS, 2),
        "tracking": (n,),
        "indices": (n,),
        "pts_ms": (n,),
    }
    arrays = {}
    for name, kind in ARRAYS.items():
        array = tensors.get(f"frames.{name}")
        expected = (shapes[name], np.dtype(kind).name)
        got = None if array is None else (array.shape, array.dtype.name)
        if array is None or got != expected:
            raise EnrolmentError(f"{path}: {name}: expected {expected}, got {got}")
        arrays[name] = array
    person = tensors.get("frames.person")
    if person is not None and person.shape != (n, size // 2, size // 2):
        raise EnrolmentError(
            f"{path}: person: expected {(n, size // 2, size // 2)}, got {person.shape}"
        )
    return arrays
