"""Of a long clip the telling frames are kept."""

import numpy as np

from models.face.variety import LOOK_DIM, Variety, look, plan_frames


def looks(*values: float) -> list[np.ndarray]:
    """Looks that differ by one number."""
    return [np.r_[value, np.zeros(LOOK_DIM - 1)].astype(np.float32) for value in values]


def keep(variety: Variety, stream: list[np.ndarray], certain: frozenset[int] = frozenset()):
    """Streams looks through; returns the numbers that are kept, by place."""
    kept: dict[int, int] = {}
    for number, shown in enumerate(stream):
        place = variety.place(shown, number in certain)
        if place is not None:
            variety.put(place, shown, number in certain)
            kept[place] = number
    return set(kept.values())


def test_a_short_clip_is_kept_whole():
    plan = plan_frames(range(10, 40, 3), 10)
    assert plan.tracked == tuple(range(10, 40, 3))
    assert plan.certain == set(plan.tracked)
    assert plan_frames(range(500), None).room == 500


def test_of_a_long_clip_half_the_room_is_for_pairs_of_neighbours():
    plan = plan_frames(range(1000), 80)
    certain = sorted(plan.certain)
    assert plan.room == 80 and len(certain) == 40
    assert all(b == a + 1 for a, b in zip(certain[::2], certain[1::2], strict=True))
    assert certain[0] == 0 and certain[-1] == 999
    gaps = np.diff(certain[::2])
    assert gaps.max() - gaps.min() <= 1
    assert plan.certain <= set(plan.tracked)
    assert 200 < len(plan.tracked) < 300


def test_what_differs_is_kept_and_what_repeats_is_not():
    stream = looks(*np.linspace(0, 0.1, 50), 5.0, *np.linspace(0, 0.1, 50), -4.0, 9.0, 0.05)
    kept = keep(Variety(5), stream)
    assert {50, 101, 102} <= kept
    assert len(kept) == 5


def test_what_is_certain_stays_even_if_it_repeats():
    stream = looks(*range(6), 0.01, 0.02, *range(6, 20))
    kept = keep(Variety(8), stream, frozenset({6, 7}))
    assert {6, 7} <= kept and len(kept) == 8


def test_an_evicted_twin_is_no_twin_any_more():
    """Once one of two alike is gone the other is worth keeping again."""
    variety = Variety(3)
    assert keep(variety, looks(0.0, 0.1, 5.0, 9.0, 2.5)) in ({0, 2, 3}, {1, 2, 3})


def test_a_look_tells_a_turned_head_and_an_open_mouth(dataset, observations):
    camera = dataset.face.camera
    crop = dataset.face.crop
    shown = np.array(
        [
            look(
                (seen.landmarks - np.float32([crop.x, crop.y, 0])) / np.float32(crop.side),
                seen.transform,
                camera,
            )
            for seen in observations
        ]
    )
    assert shown.shape == (48, LOOK_DIM)
    apart = np.linalg.norm(shown[:, None] - shown[None], axis=-1)
    neighbours = np.diagonal(apart, 1)
    # From one frame to the next less changes than over a second.
    assert np.median(neighbours) < 0.5 * np.median(np.diagonal(apart, 24))
    gap = np.linalg.norm(dataset.landmarks[:, 13] - dataset.landmarks[:, 14], axis=1)
    lips = shown[:, 6 : 6 + 120]
    most, least = gap.argmax(), gap.argmin()
    assert np.linalg.norm(lips[most] - lips[least]) > 1.0
