"""Numpy arrays out of a pickle file, and nothing else.

A pickle is a program. Here it may build dictionaries, strings, numbers and arrays: the three
names that numpy's arrays need are answered with inert stand-ins of this module, so that not
even numpy's own unpickling runs; every other name is refused.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

Arrays = dict[str, NDArray[np.float32]]


class _Type:
    """Stands in for `numpy.dtype`: only little-endian float32 is admitted."""

    def __init__(self, name: str, align: bool, copy: bool) -> None:
        if name != "f4":
            raise ModelError(f"pickle: expected float32 arrays, got {name!r}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] != "<":
            raise ModelError(f"pickle: expected little-endian arrays, got {state[1]!r}")


class _Array:
    """Stands in for `numpy.ndarray`."""

    def __init__(self) -> None:
        self.values: NDArray[np.float32] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Takes (version, shape, type, whether in Fortran's order, bytes)."""
        _, shape, kind, fortran, data = state
        if not isinstance(kind, _Type) or not isinstance(data, bytes):
            raise ModelError("pickle: expected the bytes of a float32 array, got something else")
        flat = np.frombuffer(data, "<f4")
        self.values = flat.reshape(shape, order="F" if fortran else "C").astype(np.float32)


def _new_array(kind: type[_Array], shape: tuple[int, ...], code: bytes) -> _Array:
    """Stands in for numpy's function that makes an empty array to be filled."""
    return _Array()


_ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
}


class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that knows arrays only."""

    def find_class(self, module: str, name: str) -> object:
        """Returns what a name in the pickle stands for."""
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise ModelError(
                f"pickle: expected numpy arrays only, got the name {module}.{name}"
            ) from None


def read_array_pickle(data: bytes) -> Arrays:
    """Reads nested dictionaries of arrays.

    Args:
        data: the whole pickle.

    Returns:
        Float32 arrays by their path, the keys joined with `/`.

    Raises:
        ModelError: it holds anything but float32 arrays in dictionaries, or is damaged.
    """
    try:
        tree = _ArrayUnpickler(io.BytesIO(data)).load()
    except ModelError:
        raise
    except Exception as error:  # a damaged pickle raises whatever its opcodes run into
        raise ModelError(f"pickle: expected arrays in dictionaries, got {error!r}") from error
    return dict(_leaves(tree, ()))


def _leaves(tree: object, path: tuple[str, ...]) -> list[tuple[str, NDArray[np.float32]]]:
    if isinstance(tree, Mapping):
        return [leaf for key, branch in tree.items() for leaf in _leaves(branch, (*path, str(key)))]
    if not isinstance(tree, _Array) or tree.values is None:
        where = "/".join(path) or "its root"
        raise ModelError(f"pickle: expected an array at {where}, got {type(tree).__name__}")
    return [("/".join(path), tree.values)]
