"""A field's planes as tensors: both layers, the base alone, hostile ones, and too large ones."""

import numpy as np
import pytest

from models.errors import SpeakerFileError
from models.portrait.coding import field_planes
from models.portrait.coding.field_planes import by_system, pack_planes, unpack_planes

SHAPES: dict[str, tuple[int, ...]] = {"static": (3, 4, 17, 17), "expression": (5, 3, 2, 9, 9)}


def planes_of(scale: float = 1.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {n: (rng.standard_normal(s) * scale).astype(np.float32) for n, s in SHAPES.items()}


def base_only(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: t for name, t in tensors.items() if not name.startswith("detail.")}


def worst(these: dict[str, np.ndarray], those: dict[str, np.ndarray]) -> float:
    return max(float(np.abs(these[name] - those[name]).max()) for name in SHAPES)


def test_expression_planes_of_one_axis_are_one_system() -> None:
    planes = planes_of()["expression"]
    ordered = by_system(planes)
    assert ordered.shape == (3, 10, 9, 9)
    assert np.array_equal(ordered[1, 2 * 4 + 1], planes[4, 1, 1])


def test_planes_come_back_finely_with_both_layers_and_roughly_with_one() -> None:
    planes = planes_of()
    tensors = pack_planes(planes, None)
    fine, rough = unpack_planes(SHAPES, tensors), unpack_planes(SHAPES, base_only(tensors))
    assert {name: p.shape for name, p in fine.items()} == SHAPES
    assert worst(fine, planes) < 0.1 < worst(rough, planes) < 0.5


def test_planes_beyond_the_budget_are_coded_more_coarsely(monkeypatch: pytest.MonkeyPatch) -> None:
    planes = planes_of()
    usual = pack_planes(planes, None)
    fixed = sum(t.nbytes for n, t in usual.items() if n.endswith((".states", ".lengths")))
    monkeypatch.setattr(field_planes, "BUDGET_BYTES", fixed + 2_000)
    small = pack_planes(planes, None)
    parts = ("words", "states", "lengths", "frequencies", "raw")
    assert sum(t.nbytes for n, t in small.items() if n.endswith(parts)) <= fixed + 2_000
    error = worst(unpack_planes(SHAPES, small), planes)
    assert worst(unpack_planes(SHAPES, usual), planes) < error < 2.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base.words", None),
        ("base.raw", np.zeros((2, 2), np.uint8)),
        ("base.states", np.zeros(4096, np.int64)),
        ("base.channel_steps", np.zeros(41, np.int8)),
        ("base.band_steps", np.zeros(0, np.int8)),
        ("detail.lengths", None),
        ("detail.words", np.zeros(0, np.uint16)),
    ],
)
def test_tensors_that_do_not_fit_are_refused(name: str, value: np.ndarray | None) -> None:
    tensors = pack_planes(planes_of(), None)
    del tensors[name]
    if value is not None:
        tensors[name] = value
    with pytest.raises(SpeakerFileError, match="expected"):
        unpack_planes(SHAPES, tensors)


def test_planes_of_gigabytes_are_refused_before_anything_is_allocated() -> None:
    huge = {"static": (3, 1024, 1025, 1025)}
    with pytest.raises(SpeakerFileError, match="expected at most 8388608 values, got 3227520000"):
        unpack_planes(huge, pack_planes(planes_of(), None))
