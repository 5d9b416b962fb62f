"""Contexts are whole numbers worked out by hand here, so that they never change unnoticed."""

import numpy as np

from models.portrait.coding.surroundings import CLASSES, surroundings


def quarter_octaves(number: int) -> int:
    exponent = number.bit_length() - 1
    return 4 * exponent + ((number << 2 >> exponent) & 3)


def test_the_class_of_a_coefficient_is_its_channels_gain_times_the_activity_of_its_place() -> None:
    parent = np.zeros((1, 3, 4, 4), np.int32)
    parent[0, 0, 1, 1] = -40
    parent[0, 2, 1, 1] = 3
    (known,) = surroundings(parent, 8, 9)
    assert known.channels.tolist() == [0, 2], "a channel of zeros stays one"
    rows, columns = np.divmod(known.places, 9)
    # The 3 × 3 places about (1, 1), each the parent of four.
    assert sorted(set(rows.tolist())) == list(range(6))
    assert sorted(set(columns.tolist())) == list(range(6))
    gains = [256 * 40 // 16 + 3, 256 * 3 // 16 + 3]
    activity = 40 * (2**24 // gains[0]) + 3 * (2**24 // gains[1])
    about = quarter_octaves(activity // (9 * 256 * 3))
    classes = [(quarter_octaves(gain) + about - 28) >> 1 for gain in gains]
    assert (known.classes == np.array(classes)[:, None]).all()


def test_systems_do_not_know_of_each_other() -> None:
    parent = np.zeros((2, 2, 4, 4), np.int32)
    parent[1, 1] = 1
    first, second = surroundings(parent, 8, 8)
    assert first.channels.size == first.places.size == first.classes.size == 0
    assert second.channels.tolist() == [1] and second.places.size == 64


def test_the_largest_numbers_have_the_last_class() -> None:
    parent = np.full((1, 200, 4, 4), 1 << 18, np.int32)
    (known,) = surroundings(parent, 8, 8)
    assert (known.classes == CLASSES - 1).all()


def test_a_child_beyond_its_last_parent_has_that_one() -> None:
    parent = np.zeros((1, 1, 4, 5), np.int32)
    parent[0, 0, 3, 4] = 1
    (known,) = surroundings(parent, 9, 11)
    assert 9 * 11 - 1 in known.places
