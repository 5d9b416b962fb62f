"""What goes away comes back to a call: the network, an address, a part of it; and soon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.artifacts import note
from tests.e2e.emulated_call import RECEIVER, SENDER, SERVER, EmulatedCall, emulated_call
from tests.e2e.machine import slowness

STATS_S = 0.5
"""Figures are written twice a second."""
START_S = 6.0
"""What a part may take from its start to its share in a picture, on the reference machine."""


@pytest.fixture(scope="module")
def call(
    talking_clip: Path, real_speaker: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedCall]:
    with emulated_call(talking_clip, real_speaker, tmp_path_factory.mktemp("outage")) as call:
        yield call


@pytest.mark.parametrize("outage_s", [1.0, 10.0, 30.0])
def test_after_an_outage_the_picture_is_back_soon(call: EmulatedCall, outage_s: float) -> None:
    call.outage(outage_s)
    recovered_s = call.recovered_s()
    note(**{f"recovered_after_{outage_s:.0f}_s_s": recovered_s})
    assert recovered_s < 2.0 * slowness() + STATS_S


def test_another_address_is_another_way_to_the_same_call(call: EmulatedCall) -> None:
    call.move_receiver("10.77.0.9")
    recovered_s = call.recovered_s()
    note(recovered_after_another_address_s=recovered_s)
    assert recovered_s < 2.0 * slowness() + STATS_S


@pytest.mark.parametrize("part", [SENDER, RECEIVER])
def test_a_part_that_was_killed_finds_back_when_it_is_started_again(
    call: EmulatedCall, part: str
) -> None:
    call.kill(part)
    time.sleep(1.0)
    call.start(part)
    recovered_s = call.recovered_s()
    note(**{f"recovered_after_killed_{part}_s": recovered_s})
    assert recovered_s < START_S * slowness()


def test_a_call_does_without_its_server_and_who_comes_later_finds_it_again(
    call: EmulatedCall,
) -> None:
    call.kill(SERVER)
    before = call.frames_received()
    time.sleep(4.0)
    assert call.frames_received() - before > 25, "the call goes on without a server"
    call.start(SERVER)
    time.sleep(1.0)
    call.kill(RECEIVER)
    call.start(RECEIVER)
    assert call.recovered_s() < START_S * slowness()
