"""Notices that this machine has changed its network: its addresses are others than before.

What was connected by way of an old address may stay silent for minutes before TCP or ICE give it
up, so whoever keeps connections wants to know at once.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from typing import NoReturn

import ifaddr

LOOK_S = 0.5


def local_addresses() -> frozenset[str]:
    """This machine's addresses, but for those that lead nowhere (loopback, link-local)."""
    found = set()
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            text = entry.ip if isinstance(entry.ip, str) else entry.ip[0]
            address = ipaddress.ip_address(text)
            if not (address.is_loopback or address.is_link_local):
                found.add(text)
    return frozenset(found)


async def watch_addresses(
    changed: Callable[[], None],
    addresses: Callable[[], frozenset[str]] = local_addresses,
    look_s: float = LOOK_S,
) -> NoReturn:
    """Calls back whenever an address of before is gone and there is another; until cancelled.

    A machine that has no address at all waits for one, and one that only gained an address
    keeps what it has.

    Args:
        changed: is told, from the event loop.
        addresses: this machine's, now.
        look_s: how often to look.
    """
    known = addresses()
    while True:
        await asyncio.sleep(look_s)
        now = addresses()
        if not now:
            continue
        lost = known - now
        known = now
        if lost:
            changed()
