"""What a picture cannot do without, and how fast that could be done."""

from __future__ import annotations

from itertools import count

import pytest

from models.portrait.config import FieldConfig
from models.portrait.peak import COPY_BYTES, PRODUCT_SIDE, Peak, Work, measure_peak
from models.portrait.renderer import PortraitRenderer
from tests.models.portrait.solid_speaker import solid_speaker, state


def test_work_is_bound_by_its_arithmetic_or_by_its_memory() -> None:
    peak = Peak(operations_per_s=1e9, bytes_per_s=1e8)
    assert peak.least_ms(Work(2e6, 0.0)) == pytest.approx(2.0)
    assert peak.least_ms(Work(2e6, 5e5)) == pytest.approx(5.0), "they overlap"


def test_the_peak_is_of_a_large_product_and_a_large_copy() -> None:
    ticks = count()
    peak = measure_peak(lambda: next(ticks) * 0.5)
    assert peak.operations_per_s == pytest.approx(4.0 * PRODUCT_SIDE**3)
    assert peak.bytes_per_s == pytest.approx(4.0 * COPY_BYTES)


def test_samples_are_counted_as_they_are_looked_up() -> None:
    config = FieldConfig()
    look, paint = 2 * 12 * 32 + 2 * 32, 2 * 12 * 40 + 2 * 32 * 32 + 2 * 3 * 32
    with PortraitRenderer(solid_speaker(config), "cpu") as renderer:
        renderer.render(state(translation=(0.0, 0.0, 60.0)), 128)
        nothing = renderer.work()["draw"]
        renderer.render(state(), 128)
        small = renderer.work()["draw"]
        renderer.render(state(), 256)
        large = renderer.work()["draw"]
    assert nothing.operations == 0.0, "behind the camera"
    most = 128 * 128 * config.fine_samples * (look + paint)
    assert 0.02 * most < small.operations < most
    assert large.operations == pytest.approx(4.0 * small.operations, rel=0.05)
