"""The Jacobian, from the kernel through the chain rule, against finite differences."""

import numpy as np
import pytest

from models.portrait.closed_loop.chain import Chain
from models.portrait.closed_loop.correction import EXPRESSION, SHIFT, TORSO, TURN, Correction
from tests.models.portrait.closed_loop.conftest import SIZE
from tests.models.portrait.solid_speaker import state

STATES = {"front": state(), "turned": state(rotation=(0.15, -0.2, 0.1), seed=1)}
STEPS = np.concatenate([np.full(30, 1e-2), np.full(3, 3e-4), np.full(3, 3e-3), np.full(6, 1e-4)])


def everywhere(head):
    return np.random.default_rng(0).choice(SIZE * SIZE, 2000, replace=False)


@pytest.fixture(params=STATES.values(), ids=STATES.keys())
def slopes(request, weights, linearizer):
    """(M, 3, 42) as computed and as measured."""
    here = request.param
    pixels, seen = linearizer.linearize(here, everywhere)
    computed = Chain(weights, SIZE).jacobian(here, pixels, seen)
    measured = np.empty_like(computed)
    for k, step in enumerate(STEPS):
        away = np.zeros(len(STEPS))
        away[k] = step
        ahead = linearizer.linearize(Correction(away).apply(here), everywhere)[1].colours.copy()
        behind = linearizer.linearize(Correction(-away).apply(here), everywhere)[1].colours
        measured[..., k] = (ahead - behind) / (2 * step)
    return computed, measured


@pytest.mark.parametrize(
    ("part", "kept"),
    # The brackets of the fine samples follow the pose, which no derivative knows: where a ray
    # grazes the solid's noise, that is most of what happens. And a few pixels of the torso step
    # over an edge of its plane's cells.
    [(EXPRESSION, 1.0), (TURN, 0.7), (SHIFT, 0.7), (TORSO, 0.97)],
    ids=["expression", "turn", "shift", "torso"],
)
def test_what_is_computed_is_what_happens(slopes, part, kept):
    computed, measured = slopes
    for k in range(*part.indices(computed.shape[-1])):
        one, other = computed[..., k].ravel(), measured[..., k].ravel()
        off = np.abs(one - other)
        usual = off <= np.quantile(off, kept)
        one, other = one[usual], other[usual]
        assert np.corrcoef(one, other)[0, 1] > 0.95, k
        assert 0.85 < (one @ other) / (one @ one) < 1.15, k


def test_colours_are_those_of_the_picture(weights, linearizer, painter):
    here = STATES["turned"]
    pixels, seen = linearizer.linearize(here, everywhere)
    picture = painter.draw(here, SIZE).reshape(-1, 3)[pixels]
    assert np.abs(seen.colours * 255 - picture).max() < 1.5
