"""The bench of rendering times what it says."""

from __future__ import annotations

from itertools import count

import pytest

from models.portrait.bench import measure_rendering
from models.portrait.config import FieldConfig
from tests.models.portrait.solid_speaker import solid_speaker, state


def test_every_size_is_timed_on_both_paths() -> None:
    told: list[tuple[str, int, int]] = []
    ticks = count()
    rows = measure_rendering(
        solid_speaker(FieldConfig()),
        [state(), state(seed=1)],
        (32, 48),
        "cpu",
        lambda what, done, total: told.append((what, done, total)),
        # A clock on which every picture takes 20 ms.
        lambda: next(ticks) * 0.02,
    )
    assert [(row.size, row.device, row.path) for row in rows] == [
        (32, "cpu", "warp"),
        (48, "cpu", "warp"),
        (32, "cpu", "torch"),
        (48, "cpu", "torch"),
    ]
    assert [row.ms for row in rows] == pytest.approx([20.0] * 4)
    assert [row.fps for row in rows] == pytest.approx([50.0] * 4)
    assert set(rows[0].stages) == {"view", "lattice", "blend", "warp", "add", "draw"}
    assert all(ms > 0.0 for ms in rows[0].stages.values())
    assert set(rows[0].least) == set(rows[0].stages)
    assert all(ms >= 0.0 for ms in rows[0].least.values())
    assert rows[0].least["draw"] > 0.0
    assert rows[2].stages == rows[2].least == {}
    assert told[:2] == [("32x32 warp", 1, 2), ("32x32 warp", 2, 2)]
    assert told[-1] == ("48x48 torch", 2, 2)
