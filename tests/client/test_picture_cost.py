import itertools

import numpy as np
import pytest

from client.picture_cost import measure_pictures


def test_each_part_is_timed_and_the_first_picture_left_out():
    pictures = [np.full((64, 64, 3), 10 * number, np.uint8) for number in range(4)]
    steps = itertools.chain([0.0, 9.0], itertools.cycle([1.0, 0.002, 0.003]))
    ticks = itertools.accumulate(steps)
    cost = measure_pictures(pictures, lambda: next(ticks))
    assert cost.size == 64
    assert cost.yuv_ms == pytest.approx(2.0)
    assert cost.vp8_ms == pytest.approx(3.0)
