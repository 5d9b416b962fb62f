from codec.held import CALM_PACKETS, Held, held_by_all
from codec.receipt import Receipt


def heard(held, *sequences, following=None):
    """The receiver tells that it holds these."""
    held.told(Receipt.of(sequences), max(sequences) + 1 if following is None else following)
    return held


def test_nothing_is_held_before_it_was_told():
    assert Held(100).sequences == frozenset()


def test_what_was_told_adds_up():
    held = heard(Held(100), 101, 102, 104)
    assert held.sequences == {101, 102, 104}
    assert heard(held, 103, 104, 107).sequences == {101, 102, 103, 104, 107}


def test_what_is_long_gone_is_forgotten():
    held = heard(Held(0), 1, 2)
    assert heard(held, 65, 66, following=70).sequences == {65, 66}


def test_only_what_was_sent_since_the_receiver_came_counts():
    assert heard(Held(100), 98, 99, 100, 101).sequences == {100, 101}
    assert heard(Held(100), 101, 102, following=101).sequences == frozenset()


def test_what_was_held_before_the_receiver_lost_track_counts_no_more():
    """A receipt of before may come later than the message that says so."""
    held = heard(Held(100), 101, 102)
    held.lost_track(104)
    assert held.sequences == frozenset()
    assert heard(held, 101, 102, 103, following=105).sequences == frozenset()
    assert heard(held, 104, 105).sequences == {104, 105}


def told_all(held, first, last):
    """Receipts as they come, six packets apart, and nothing missing."""
    for newest in range(first + 5, last + 1, 6):
        heard(held, *range(max(first, newest - 16), newest + 1))
    return held


def test_it_is_calm_when_nothing_was_lost_for_long():
    assert not Held(0).calm
    assert not told_all(Held(0), 0, CALM_PACKETS - 6).calm
    assert told_all(Held(0), 0, CALM_PACKETS + 6).calm


def test_a_single_loss_ends_the_calm():
    held = told_all(Held(0), 0, 137)
    assert held.calm
    heard(held, *range(121, 138), 139)
    assert not held.calm
    assert told_all(held, 139, 140 + CALM_PACKETS + 6).calm


def test_packets_that_no_receipt_speaks_of_are_not_taken_for_held():
    held = told_all(Held(0), 0, 137)
    assert not heard(held, *range(160, 177)).calm


def test_all_hold_what_each_holds():
    one, other = heard(Held(0), 1, 2, 3), Held(0)
    assert held_by_all([one, other]) == frozenset()
    assert held_by_all([one, heard(other, 2, 3, 4)]) == {2, 3}
    assert held_by_all([]) == frozenset()
