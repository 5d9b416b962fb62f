"""Everything of a speaker that a sender needs: the face's part of a speaker file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import SpeakerFileError
from models.face.background import REFERENCE_PX, BackgroundReference
from models.face.basis import COEFFICIENTS, ExpressionBasis
from models.face.camera import CameraIntrinsics
from models.face.crop import PortraitCrop
from models.face.embedding import EmbeddingWeights
from models.face.mesh import LANDMARKS
from models.face.torso import TorsoReference
from models.face.torso_alignment import TORSO_PX
from models.face.torso_habit import TERMS, TorsoHabit

PREFIX = "face."
SHAPES: dict[str, tuple[int, ...]] = {
    "neutral": (LANDMARKS, 3),
    "coefficient_mean": (COEFFICIENTS,),
    "coefficient_std": (COEFFICIENTS,),
    "torso_grey": (TORSO_PX, TORSO_PX),
    "torso_weight": (TORSO_PX, TORSO_PX),
    "background_grey": (REFERENCE_PX, REFERENCE_PX),
    "background_weight": (REFERENCE_PX, REFERENCE_PX),
    "torso_colours": (3,),
    "torso_habit": (6, TERMS),
    "torso_spread": (6,),
}
MAX_FRAME_PX = 32768
MAX_HEAD_CM = 50.0
FOCAL_RANGE = (0.05, 100.0)
MAX_COLOURS = 1.01

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FaceModel:
    """What a speaker's face is to the sender.

    Attributes:
        camera: of the portrait.
        crop: the portrait within the frames of enrolment.
        basis: digest of the expression basis that the coefficients refer to.
        neutral: (478, 3) float32 centimetres, the neutral mesh in head space.
        coefficient_mean: (79,) float32 over enrolment.
        coefficient_std: (79,) float32 over enrolment, positive.
        torso: the torso at rest.
        background: what is behind the person.
        embedding: the trained embedding; None before training.
        habit: where the torso is to be expected.
    """

    camera: CameraIntrinsics
    crop: PortraitCrop
    basis: str
    neutral: Array
    coefficient_mean: Array
    coefficient_std: Array
    torso: TorsoReference
    background: BackgroundReference
    embedding: EmbeddingWeights | None = None
    habit: TorsoHabit = field(default_factory=TorsoHabit.unknown)

    def standardise(self, coefficients: Array) -> Array:
        """Brings (..., 79) coefficients to zero mean and unit deviation over enrolment."""
        return np.asarray((coefficients - self.coefficient_mean) / self.coefficient_std, np.float32)

    def manifest(self) -> dict[str, Any]:
        """Returns what goes into the speaker file's manifest, as JSON knows it."""
        return {"camera": asdict(self.camera), "crop": asdict(self.crop), "basis": self.basis}

    def to_tensors(self) -> dict[str, NDArray[np.generic]]:
        """Returns the tensors of a speaker file that belong to the face."""
        tensors: dict[str, NDArray[np.generic]] = {
            PREFIX + "neutral": self.neutral,
            PREFIX + "coefficient_mean": self.coefficient_mean,
            PREFIX + "coefficient_std": self.coefficient_std,
            PREFIX + "torso_grey": self.torso.grey,
            PREFIX + "torso_weight": self.torso.weight,
            PREFIX + "background_grey": self.background.grey,
            PREFIX + "background_weight": self.background.weight,
            PREFIX + "torso_colours": self.torso.colours,
            PREFIX + "torso_habit": self.habit.weights,
            PREFIX + "torso_spread": self.habit.spread,
        }
        if self.embedding is not None:
            tensors |= self.embedding.to_tensors()
        return tensors

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[np.generic]], manifest: Mapping[str, Any]
    ) -> FaceModel:
        """Rebuilds the face from a speaker file, believing nothing in it.

        Args:
            tensors: all of the file's tensors; those of other parts are ignored.
            manifest: what `manifest` returned.

        Raises:
            SpeakerFileError: something is missing, of another shape or type, or absurd.
        """
        found: dict[str, NDArray[Any]] = {}
        for name, shape in SHAPES.items():
            tensor = tensors.get(PREFIX + name)
            if tensor is None:
                raise SpeakerFileError(f"expected a tensor {PREFIX}{name}, got none")
            if tensor.shape != shape:
                raise SpeakerFileError(
                    f"{PREFIX}{name}: expected shape {shape}, got {tensor.shape}"
                )
            kind = np.uint8 if name.endswith(("_grey", "_weight")) else np.float32
            if tensor.dtype != kind:
                raise SpeakerFileError(
                    f"{PREFIX}{name}: expected {kind.__name__}, got {tensor.dtype}"
                )
            found[name] = tensor
        largest = float(np.abs(found["neutral"]).max())
        if not largest < MAX_HEAD_CM:
            raise SpeakerFileError(
                f"{PREFIX}neutral: expected a head within {MAX_HEAD_CM} cm, got {largest}"
            )
        if not (
            np.isfinite(found["coefficient_mean"]).all() and _positive(found["coefficient_std"])
        ):
            raise SpeakerFileError("expected finite means and positive deviations, got others")
        if not float(np.abs(found["torso_colours"]).sum()) < MAX_COLOURS:
            raise SpeakerFileError("expected colours of the torso that add up to 1, got others")
        if not (np.isfinite(found["torso_habit"]).all() and _positive(found["torso_spread"])):
            raise SpeakerFileError("expected a finite habit of the torso, got another")
        has_embedding = any(name.startswith("embedding.") for name in tensors)
        return cls(
            read_camera(manifest),
            _crop(manifest),
            _basis(manifest),
            found["neutral"],
            found["coefficient_mean"],
            found["coefficient_std"],
            TorsoReference(found["torso_grey"], found["torso_weight"], found["torso_colours"]),
            BackgroundReference(found["background_grey"], found["background_weight"]),
            EmbeddingWeights.from_tensors(tensors) if has_embedding else None,
            TorsoHabit(found["torso_habit"], found["torso_spread"]),
        )


def basis_digest(basis: ExpressionBasis) -> str:
    """Names a basis by its content: coefficients mean nothing under another one."""
    return hashlib.sha256(basis.components.astype("<f4").tobytes()).hexdigest()[:16]


def _positive(values: NDArray[np.floating]) -> bool:
    return bool(np.isfinite(values).all() and (values > 0).all())


def _numbers(manifest: Mapping[str, Any], part: str, names: tuple[str, ...]) -> list[float]:
    """Reads named numbers of one part of the manifest."""
    fields = manifest.get(part)
    if not isinstance(fields, Mapping):
        raise SpeakerFileError(f"manifest: expected an object {part}, got {fields!r:.60}")
    numbers = []
    for name in names:
        number = fields.get(name)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise SpeakerFileError(f"manifest: expected a number {part}.{name}, got {number!r:.60}")
        numbers.append(number)
    return numbers


def read_camera(manifest: Mapping[str, Any]) -> CameraIntrinsics:
    """Reads the camera of a speaker file's manifest.

    Raises:
        SpeakerFileError: it is missing or absurd.
    """
    focal, cx, cy = _numbers(manifest, "camera", ("focal", "cx", "cy"))
    low, high = FOCAL_RANGE
    if not (low <= focal <= high and abs(cx) <= high and abs(cy) <= high):
        raise SpeakerFileError(
            f"manifest: expected a focal length in {low}..{high} sides, got {focal}, {cx}, {cy}"
        )
    return CameraIntrinsics(float(focal), float(cx), float(cy))


def _crop(manifest: Mapping[str, Any]) -> PortraitCrop:
    names = ("x", "y", "side", "frame_width", "frame_height")
    numbers = _numbers(manifest, "crop", names)
    inside = all(isinstance(number, int) for number in numbers)
    if inside:
        x, y, side, width, height = (int(number) for number in numbers)
        inside = (
            0 < width <= MAX_FRAME_PX
            and 0 < height <= MAX_FRAME_PX
            and side > 0
            and 0 <= x <= width - side
            and 0 <= y <= height - side
        )
    if not inside:
        raise SpeakerFileError(f"manifest: expected a crop inside its frame, got {numbers}")
    return PortraitCrop(x, y, side, width, height)


def _basis(manifest: Mapping[str, Any]) -> str:
    basis = manifest.get("basis")
    if not isinstance(basis, str):
        raise SpeakerFileError(f"manifest: expected the basis's digest, got {basis!r:.60}")
    return basis
