"""Ten minutes of a call on a bad link, in less than one: nothing that it holds may grow."""

from __future__ import annotations

import gc
import sys

from client.emulation.call import EmulatedCall
from client.emulation.path import LinkShape
from tests.client.doubles import SIGNAL, SPEAKER
from tests.client.emulation.test_call import CALL

WARM_S, WATCHED_S = 120.0, 480.0
BLOCKS_AN_HOUR = 8_000
"""Of Python's allocator; 64 bytes each are half a megabyte. An array that is kept shows as well:
by its object."""


def held_blocks(call: EmulatedCall) -> int:
    """What Python holds, without what the measurement itself has noted."""
    call.observe()
    gc.collect()
    return sys.getallocatedblocks()


def test_a_long_call_on_a_bad_link_holds_no_more_than_a_short_one() -> None:
    bad = LinkShape(loss=0.2, delay_ms=50.0, jitter_ms=50.0, duplicated=0.02, overtaken=0.05)
    call = EmulatedCall(SPEAKER, SIGNAL, CALL, bad, jitter_delay_ms=60.0)
    call.run(WARM_S)
    before = held_blocks(call)
    call.run(WATCHED_S)
    grown = (held_blocks(call) - before) * 3600.0 / WATCHED_S
    assert grown < BLOCKS_AN_HOUR, f"{grown:.0f} blocks an hour"
