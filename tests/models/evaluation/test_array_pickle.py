"""A pickle of arrays is read without running anything of it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.evaluation.array_pickle import read_array_pickle


def pickled(tree: object) -> bytes:
    """As numpy before 2.0 and Python 3 wrote it."""
    return pickle.dumps(tree, protocol=3).replace(b"numpy._core.", b"numpy.core.")


def test_arrays_come_with_their_paths() -> None:
    kernel = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    arrays = read_array_pickle(
        pickled(
            {"Conv": {"kernel": kernel, "turned": np.asfortranarray(kernel)}, "bias": kernel[0]}
        )
    )
    assert arrays.keys() == {"Conv/kernel", "Conv/turned", "bias"}
    assert np.array_equal(arrays["Conv/kernel"], kernel)
    assert np.array_equal(arrays["Conv/turned"], kernel)
    assert np.array_equal(arrays["bias"], kernel[0])
    assert all(array.dtype == np.float32 for array in arrays.values())


class Attack:
    """Becomes a call of the system's shell when it is unpickled in the usual way."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self._mark}",)


def test_a_pickle_that_calls_something_is_refused(tmp_path: Path) -> None:
    attack = pickle.dumps({"weights": Attack(tmp_path / "ran")}, protocol=3)
    with pytest.raises(ModelError, match=r"expected numpy arrays only, got the name posix\.system"):
        read_array_pickle(attack)
    assert not (tmp_path / "ran").exists()
    pickle.loads(attack)
    assert (tmp_path / "ran").exists(), "the attack would have worked"


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        ({"a": np.zeros(3)}, "float32"),
        ({"a": np.zeros(3, ">f4")}, "little-endian"),
        ({"a": np.array([{}], object)}, "float32"),
        ({"a": {"b": 3}}, "expected an array at a/b, got int"),
        ([np.zeros(3, np.float32)], "expected an array at its root, got list"),
    ],
)
def test_anything_but_float32_arrays_is_refused(tree: object, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        read_array_pickle(pickled(tree))


def test_a_damaged_pickle_is_refused() -> None:
    whole = pickled({"a": np.zeros(8, np.float32)})
    for length in range(0, len(whole), 7):
        with pytest.raises(ModelError):
            read_array_pickle(whole[:length])
