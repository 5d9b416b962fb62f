"""Turns of the event loop: an address that has much to say leaves the others theirs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from server.turns import PIECES_PER_TURN, Turns


class Loop:
    """What is to be called in the next turn."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def turn(self) -> None:
        due, self.due = self.due, []
        for each in due:
            each()


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def turns(loop: Loop) -> Turns:
    return Turns(lambda call: loop.due.append(call))


def test_an_address_has_its_share_of_every_turn(loop: Loop, turns: Turns) -> None:
    for _ in range(3):
        assert [turns.take("flood") for _ in range(PIECES_PER_TURN + 2)] == [
            *([True] * PIECES_PER_TURN),
            *([False] * 2),
        ]
        assert turns.take("other"), "whoever else comes has one of their own"
        loop.turn()


def test_those_who_wait_go_on_in_order_and_before_those_who_come_later(
    loop: Loop, turns: Turns
) -> None:
    went: list[int] = []
    for number in range(3 * PIECES_PER_TURN):
        if turns.take("flood"):
            went.append(number)
        else:
            turns.wait("flood", lambda number=number: went.append(number))
    assert len(went) == PIECES_PER_TURN
    loop.turn()
    assert went == list(range(2 * PIECES_PER_TURN))
    assert not turns.take("flood"), "others of the address still wait"
    loop.turn()
    assert went == list(range(3 * PIECES_PER_TURN))
    loop.turn()
    assert turns.take("flood")


def test_where_nothing_comes_nothing_is_called(loop: Loop, turns: Turns) -> None:
    assert turns.take("peer")
    loop.turn()
    loop.turn()
    assert loop.due == []
