"""A change of network, told by this machine's addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from client.addresses import local_addresses, watch_addresses

HOME, CAFE, NONE = frozenset({"10.0.0.2"}), frozenset({"10.1.0.7"}), frozenset()


async def changes(seen: Sequence[frozenset[str]]) -> int:
    """How often it is told, while these addresses are found one after the other."""
    left, told = list(seen), 0
    looked = asyncio.Event()

    def changed() -> None:
        nonlocal told
        told += 1

    def look() -> frozenset[str]:
        if len(left) > 1:
            return left.pop(0)
        looked.set()
        return left[0]

    watching = asyncio.create_task(watch_addresses(changed, look, look_s=0.001))
    await looked.wait()
    await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return told


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([HOME, HOME, HOME], 0),
        ([HOME, CAFE, CAFE], 1),
        ([HOME, NONE, CAFE], 1),
        ([HOME, NONE, HOME], 0),
        ([HOME, HOME | CAFE, HOME | CAFE], 0),
        ([HOME, HOME | CAFE, CAFE], 1),
        ([HOME, CAFE, HOME], 2),
    ],
    ids=["same", "moved", "moved by way of none", "back", "gained", "roamed", "there and back"],
)
async def test_it_is_told_when_an_address_is_replaced(
    seen: Sequence[frozenset[str]], told: int
) -> None:
    assert await changes(seen) == told


def test_addresses_that_lead_nowhere_do_not_count() -> None:
    assert not {ip for ip in local_addresses() if ip.startswith(("127.", "169.254.", "::1"))}
