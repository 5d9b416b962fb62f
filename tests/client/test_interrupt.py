"""Ctrl-C asks for an orderly end; a second one insists."""

from __future__ import annotations

import signal

import pytest

from client.camera_prompts import PROMPTS, prompt_number
from client.interrupt import Interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request_the_second_an_order(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interrupt() as stopped:
        assert not stopped()
        signal.raise_signal(number)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_every_prompt_has_its_turn_while_the_camera_records() -> None:
    turns = [prompt_number(second / 60) for second in range(61)]
    assert turns == sorted(turns)
    assert set(turns) == set(range(len(PROMPTS)))
    assert all(turns.count(turn) >= 6 for turn in range(len(PROMPTS)))
