"""What a sender knows of its renderers, from what they tell."""

from __future__ import annotations

from client.audience import Listener, held_by_all
from codec.receipt import Receipt


def receipt(*sequences: int) -> bytes:
    return bytes(Receipt.of(sequences))


def test_a_renderer_that_never_told_is_not_known_to_hold_nothing() -> None:
    listener = Listener(100)
    listener.told(b"", 110)
    assert listener.held is None


def test_what_was_told_adds_up() -> None:
    listener = Listener(100)
    listener.told(receipt(101, 102, 104), 106)
    assert listener.held == {101, 102, 104}
    listener.told(receipt(103, 107, 104), 110)
    assert listener.held == {101, 102, 103, 104, 107}


def test_only_what_was_sent_since_it_came_counts() -> None:
    listener = Listener(100)
    listener.told(receipt(98, 99, 100, 101), 101)
    assert listener.held == {100}


def test_what_it_held_before_it_lost_track_counts_no_more() -> None:
    """A receipt of before may come later than the message that says so."""
    listener = Listener(100)
    listener.told(receipt(101, 102), 104)
    listener.lost_track(104)
    assert listener.held == frozenset()
    listener.told(receipt(101, 102, 103), 105)
    assert listener.held == frozenset()
    listener.told(receipt(104, 105), 107)
    assert listener.held == {104, 105}


def test_nonsense_is_not_believed() -> None:
    listener = Listener(100)
    listener.told(b"nonsense", 110)
    assert listener.held is None


def test_all_hold_what_each_holds() -> None:
    one, other = Listener(0), Listener(0)
    one.told(receipt(1, 2, 3), 5)
    assert held_by_all([one, other]) is None
    other.told(receipt(2, 3, 4), 5)
    assert held_by_all([one, other]) == {2, 3}
    assert held_by_all([]) is None
