"""The linear expression basis: how a face's mesh may leave its neutral shape.

Learned by `models.face.learn_basis` from tracked clips of many people; the data file holds
directions of movement and a mean face, nobody's likeness.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save_file

from models.errors import ModelError
from models.face.mesh import LANDMARKS

COEFFICIENTS = 79
"""As many as the expression parameters of the 3DMM in the paper."""

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ExpressionBasis:
    """mesh = neutral + Σ c_k · components_k, in head space.

    Attributes:
        mean: (478, 3) float32 centimetres, the mean of many people's neutral faces.
        components: (79, 478, 3) float32 centimetres per standard deviation: a coefficient of
            one is a usual deflection.
    """

    mean: Array
    components: Array

    def mesh(self, neutral: Array, coefficients: Array) -> Array:
        """Returns the (478, 3) mesh of a neutral shape under (79,) coefficients."""
        return np.asarray(neutral + np.tensordot(coefficients, self.components, 1), np.float32)


SHAPES = {
    "mean": (LANDMARKS, 3),
    "components": (COEFFICIENTS, LANDMARKS, 3),
}


def load_basis(path: str | Path | None = None) -> ExpressionBasis:
    """Loads the basis that comes with the project, or another one.

    Raises:
        ModelError: no such file, or not a basis of 79 coefficients over 478 points.
    """
    packaged = resources.files("models.face").joinpath("basis.safetensors")
    source = Path(path) if path is not None else packaged
    if not source.is_file():
        raise ModelError(f"expected an expression basis, got no file at {source}")
    try:
        tensors = load(source.read_bytes())
    except SafetensorError as error:
        raise ModelError(f"{source}: expected a safetensors file, got {error}") from error
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != SHAPES:
        raise ModelError(f"{source}: expected tensors {SHAPES}, got {shapes}")
    return ExpressionBasis(**{name: tensors[name].astype(np.float32) for name in SHAPES})


def save_basis(basis: ExpressionBasis, path: str | Path) -> None:
    """Saves a basis with its components in half precision, about 230 kB."""
    # safetensors writes memory as it lies: only C order is what it says it is.
    tensors: dict[str, NDArray[np.generic]] = {
        "mean": np.ascontiguousarray(basis.mean, np.float32),
        "components": np.ascontiguousarray(basis.components, np.float16),
    }
    save_file(tensors, str(path))
