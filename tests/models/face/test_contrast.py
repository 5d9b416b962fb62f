"""A torso is aligned in a grey in which it has an outline."""

import numpy as np

from models.face.contrast import LUMINANCE, find_colours, project

RNG = np.random.default_rng(0)


def pixels(rgb: tuple[int, int, int], varies: float = 6.0, count: int = 500) -> np.ndarray:
    return np.clip(RNG.normal(rgb, varies, (count, 3)), 0, 255).astype(np.uint8)


def apart(torso: np.ndarray, behind: np.ndarray, colours: np.ndarray) -> float:
    return abs(float(project(torso, colours).mean() - project(behind, colours).mean()))


def test_a_grey_sweater_stands_out_from_a_blue_wall() -> None:
    sweater, wall = pixels((75, 75, 78)), pixels((40, 110, 240))
    colours = find_colours(sweater, wall)
    assert apart(sweater, wall, LUMINANCE) < 30
    assert apart(sweater, wall, colours) > 60


def test_where_luminance_parts_them_it_stays_about_that() -> None:
    suit, wall = pixels((30, 30, 30)), pixels((200, 200, 200))
    assert find_colours(suit, wall) @ LUMINANCE > 0.3


def test_colours_that_vary_anyway_count_less() -> None:
    torso = np.stack([RNG.uniform(0, 255, 500), np.full(500, 90), np.full(500, 90)], 1)
    behind = np.stack([RNG.uniform(0, 255, 500) * 0.8, np.full(500, 90), np.full(500, 160)], 1)
    colours = find_colours(torso.astype(np.uint8), behind.astype(np.uint8))
    assert abs(colours[2]) > 2 * abs(colours[0])


def test_too_few_pixels_are_seen_in_luminance() -> None:
    nothing = np.zeros((3, 3), np.uint8)
    assert np.array_equal(find_colours(nothing, pixels((1, 2, 3))), LUMINANCE)


def test_every_projection_stays_within_what_bytes_hold() -> None:
    corners = np.array([[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)], np.uint8)
    for colours in (LUMINANCE, np.array([0.5, -0.2, -0.3], np.float32)):
        grey = project(corners, colours)
        assert grey.min() >= -1e-3 and grey.max() <= 255.001
