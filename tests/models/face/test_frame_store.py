"""Tracked frames outlive the process that tracked them."""

from contextlib import suppress

import numpy as np

from models.face.frame_store import FrameStore

SHAPES = {"picture": ((2, 2), np.uint8), "time": ((), np.int64)}


def entry(value: int) -> dict[str, object]:
    return {"picture": np.full((2, 2), value, np.uint8), "time": 10 * value}


def test_frames_come_out_in_their_order_not_in_that_of_their_slots():
    store = FrameStore(SHAPES, 4)
    assert len(store.order()) == 0
    store.put(2, 5, entry(5))
    store.put(0, 7, entry(7))
    store.put(3, 0, entry(1))
    assert store.indices().tolist() == [0, 5, 7]
    assert store["time"][store.order()].tolist() == [10, 50, 70]


def test_a_slot_can_be_given_to_another_frame():
    store = FrameStore(SHAPES, 1)
    store.put(0, 5, entry(5))
    store.put(0, 9, entry(9))
    assert store.indices().tolist() == [9]
    assert store["picture"][0].tolist() == [[9, 9], [9, 9]]


def test_mapped_frames_are_found_again(tmp_path):
    store = FrameStore(SHAPES, 3, tmp_path / "frames")
    store.put(1, 4, entry(4))
    store.finish(4)
    store.finish(5)
    again = FrameStore(SHAPES, 3, tmp_path / "frames")
    assert again.done == 6
    assert again.indices().tolist() == [4]
    assert again["time"][again.order()].tolist() == [40]


def test_a_frame_whose_writing_was_cut_short_is_none(tmp_path):
    store = FrameStore(SHAPES, 2, tmp_path)
    store.put(0, 4, entry(4))

    class KilledError(Exception):
        pass

    def values():
        yield "picture", np.ones((2, 2), np.uint8)
        raise KilledError

    class Half(dict):
        def items(self):
            return values()

    with suppress(KilledError):
        store.put(0, 8, Half())
    assert len(FrameStore(SHAPES, 2, tmp_path).order()) == 0


def test_files_of_another_shape_are_begun_anew(tmp_path):
    FrameStore(SHAPES, 2, tmp_path).put(0, 4, entry(4))
    assert len(FrameStore(SHAPES, 3, tmp_path).order()) == 0
