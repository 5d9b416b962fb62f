"""Two network namespaces and a link between them, made with iproute2 and gone afterwards."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from typing import Self

from client.emulation.path import LinkShape
from client.emulation.tunnel import Tunnel
from client.errors import EmulationError

QUIET_IPV6 = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6"
"""Otherwise neighbour discovery talks on the link that is measured."""


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One namespace.

    Attributes:
        namespace: its name.
        interface: its end of the link.
        address: IPv4, of the interface.
        peer: the other end's address.
    """

    namespace: str
    interface: str
    address: str
    peer: str

    def inside(self) -> list[str]:
        """What to put before a command that is to run in the namespace."""
        return ["ip", "netns", "exec", self.namespace]


class LinkedNamespaces:
    """Two ends of a link on this machine; needs the rights of an administrator.

    A plain link is a veth pair, any other one a tunnel through this process.

    Attributes:
        near: one end.
        far: the other.
        tunnel: what lies between; None of a plain link.
    """

    def __init__(self, shape: LinkShape) -> None:
        """Args: shape: of the link, each way."""
        name = f"nc{os.getpid()}"
        near, far = "10.77.0.1", "10.77.0.2"
        self.near = LinkEnd(f"{name}-near", f"{name}n", near, far)
        self.far = LinkEnd(f"{name}-far", f"{name}f", far, near)
        self.tunnel: Tunnel | None = None
        self._shape = shape
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Makes them.

        Raises:
            EmulationError: the system does not let us; the message says what was refused.
        """
        try:
            self._make()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._undo.close()

    def _make(self) -> None:
        ends = (self.near, self.far)
        for end in ends:
            _ip("netns", "add", end.namespace)
            self._undo.callback(_ip, "netns", "delete", end.namespace)
        names = (self.near.interface, self.far.interface)
        if self._shape.is_plain():
            _ip("link", "add", names[0], "type", "veth", "peer", "name", names[1])
            # Deleting a namespace deletes what is in it; until then it is ours to delete.
        else:
            self.tunnel = Tunnel(names, self._shape)
            self._undo.enter_context(self.tunnel)
        for end in ends:
            _ip("link", "set", end.interface, "netns", end.namespace)
            _run([*end.inside(), "sh", "-c", QUIET_IPV6])
            _inside(end, "link", "set", "lo", "up")
            _inside(end, "address", "add", f"{end.address}/24", "dev", end.interface)
            _inside(end, "link", "set", end.interface, "up")


def _inside(end: LinkEnd, *words: str) -> None:
    _ip("-n", end.namespace, *words)


def _ip(*words: str) -> None:
    _run(["ip", *words])


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise EmulationError(f"expected {command[0]} (iproute2), got none installed") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines()
        reason = said[-1] if said else f"status {error.returncode}"
        raise EmulationError(
            f"expected to be permitted `{' '.join(command)}`, got: {reason}"
        ) from error
