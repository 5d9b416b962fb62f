"""What one network address may use up."""

from __future__ import annotations

import pytest

from server.addresses import Addresses
from server.config import Limits
from server.errors import TooManyConnectionsError, TooManyJoinsError, TooManyUploadsError


def test_connections_are_counted_by_address_and_altogether() -> None:
    addresses = Addresses(Limits(connections=3, connections_per_address=2))
    addresses.connected("192.0.2.1", 0)
    addresses.connected("192.0.2.1", 0)
    with pytest.raises(TooManyConnectionsError, match="at most 2 connections from one address"):
        addresses.connected("192.0.2.1", 0)
    addresses.connected("192.0.2.2", 0)
    with pytest.raises(TooManyConnectionsError, match="at most 3 connections to this server"):
        addresses.connected("192.0.2.3", 0)
    addresses.disconnected("192.0.2.1")
    addresses.connected("192.0.2.3", 0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_a_network_of_one_host_is_one_address(one: str, other: str, same: bool) -> None:
    addresses = Addresses(Limits(join_burst=1, joins_per_s=0.1))
    addresses.joined(one, 0)
    if same:
        with pytest.raises(TooManyJoinsError):
            addresses.joined(other, 0)
    else:
        addresses.joined(other, 0)


def test_joins_and_openings_come_back_with_time() -> None:
    addresses = Addresses(Limits(opening_burst=1, openings_per_s=0.5))
    addresses.connected("a", 0)
    with pytest.raises(TooManyConnectionsError, match=r"at most 0\.5 connections a second"):
        addresses.connected("a", 1)
    addresses.connected("a", 2.5)


def test_uploads_are_counted_at_once_and_over_time() -> None:
    addresses = Addresses(Limits(uploads_per_address=1, upload_burst=2, uploads_per_s=0.1))
    addresses.uploading("a", 0)
    with pytest.raises(TooManyUploadsError):
        addresses.uploading("a", 0)
    addresses.uploaded("a")
    addresses.uploading("a", 0)
    addresses.uploaded("a")
    with pytest.raises(TooManyUploadsError):
        addresses.uploading("a", 0)
    addresses.uploading("b", 0)
    addresses.uploading("a", 10)


def test_addresses_at_rest_are_forgotten() -> None:
    addresses = Addresses(Limits())
    addresses.connected("stays", 0)
    for number in range(100_000):
        addresses.joined(f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1", number / 100)
    assert len(addresses._usage) < 5000
    addresses.disconnected("stays")
