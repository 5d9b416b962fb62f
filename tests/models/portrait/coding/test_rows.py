"""Matrices in eight bits come back within half a step of their row's range."""

import numpy as np
import pytest

from models.errors import SpeakerFileError
from models.portrait.coding.rows import pack_rows, unpack_rows


def matrix() -> np.ndarray:
    rows = np.random.default_rng(0).standard_normal((4, 64, 5)).astype(np.float32)
    return rows * np.array([0.01, 1.0, 50.0, 0.0], np.float32)[:, None, None] + 1.0


def test_every_row_keeps_its_own_range() -> None:
    back = unpack_rows(pack_rows({"m": matrix()}))["m"]
    span = np.ptp(matrix().reshape(4, -1), axis=1)
    assert (np.abs(back - matrix()).reshape(4, -1).max(1) <= span / 255 * 0.51 + 1e-6).all()


def test_small_tensors_are_half_precision() -> None:
    bias, small = np.full(5000, 0.1, np.float32), np.full((10, 10), 0.1, np.float32)
    packed = pack_rows({"b": bias, "s": small})
    assert {name: t.dtype for name, t in packed.items()} == {"b": np.float16, "s": np.float16}
    assert np.allclose(unpack_rows(packed)["b"], 0.1, atol=1e-4)


@pytest.mark.parametrize("broken", ["missing", "shape", "type", "flat", "empty"])
def test_parts_that_do_not_fit_are_refused(broken: str) -> None:
    tensors = pack_rows({"m": matrix()})
    if broken == "missing":
        del tensors["m.range"]
    elif broken == "shape":
        tensors["m.range"] = tensors["m.range"][:1]
    elif broken == "type":
        tensors["m.u8"] = tensors["m.u8"].astype(np.int32)
    elif broken == "empty":
        tensors = {"m.u8": np.zeros((0, 3), np.uint8), "m.range": np.zeros((0, 2), np.float32)}
    else:
        tensors["m.u8"] = tensors["m.u8"][:, 0, 0]
    with pytest.raises(SpeakerFileError, match="expected"):
        unpack_rows(tensors)
