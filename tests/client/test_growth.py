"""What more pixels, samples and viewers cost, on the real renderer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.growth import SAMPLES, SIDES_PX, VIEWERS, Growth, measure_growth, plot_growth
from models.portrait.speaker import load_speaker
from tests.models.portrait.solid_speaker import state


def test_a_curve_is_drawn_of_its_own_points_only() -> None:
    rows = [Growth("pixels", 64 * 64, 11.2), Growth("viewers", 1, 17.0), Growth("viewers", 8, 23.4)]
    svg = plot_growth(rows, "viewers", "Viewers of one receiver")
    assert svg.startswith("<?xml")
    assert "Viewers of one receiver" in svg
    assert svg == plot_growth(rows[1:], "viewers", "Viewers of one receiver")


@pytest.fixture(scope="module")
def ticking() -> Iterator[float]:
    def tick() -> Iterator[float]:
        now_s = 0.0
        while True:
            now_s += 0.001
            yield now_s

    return tick()


def test_every_point_of_every_curve_is_measured(
    real_speaker: Path, ticking: Iterator[float]
) -> None:
    speaker = load_speaker(real_speaker)
    states = [state(seed=n) for n in range(3)]
    rows = measure_growth(speaker, states, 64, "cpu", clock=lambda: next(ticking))
    assert [row.value for row in rows if row.by == "pixels"] == [side**2 for side in SIDES_PX]
    assert [row.value for row in rows if row.by == "samples"] == list(SAMPLES)
    assert [row.value for row in rows if row.by == "viewers"] == list(VIEWERS)
    assert all(row.ms > 0.0 for row in rows)
