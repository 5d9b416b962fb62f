"""A link between two network interfaces whose wire is this process.

Both ends are TUN devices (Linux, `Documentation/networking/tuntap.rst`): what the kernel sends
into one is read here as an IP packet, put on its way, and written into the other. Needs no
traffic control of the kernel's, which many kernels come without.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import struct
import threading
from typing import Self

from client.clock import monotonic_ms
from client.emulation.path import LinkShape, Path
from client.errors import EmulationError

TUN_DEVICE = "/dev/net/tun"
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
MAX_PACKET_BYTES = 65_536
IDLE_S = 0.2


class Tunnel:
    """Two TUN devices and the wire between them; packets pass within the context."""

    def __init__(self, names: tuple[str, str], shape: LinkShape) -> None:
        """Makes the devices.

        Args:
            names: of the two interfaces.
            shape: of the link, each way.

        Raises:
            EmulationError: the system does not let us.
        """
        self._devices = (_open_device(names[0]), _open_device(names[1]))
        self._paths = (Path(shape, 0), Path(shape, 1))
        self._stop = threading.Event()
        self._broken = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="tunnel", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        for device in self._devices:
            os.close(device)

    def cut(self) -> None:
        """Breaks the link: packets set out and never arrive; the interfaces do not notice."""
        self._broken.set()

    def mend(self) -> None:
        """Makes it whole again."""
        self._broken.clear()

    def _carry(self) -> None:
        with selectors.DefaultSelector() as selector:
            for end, device in enumerate(self._devices):
                selector.register(device, selectors.EVENT_READ, end)
            while not self._stop.is_set():
                for key, _ in selector.select(self._wait_s()):
                    packet = os.read(key.fd, MAX_PACKET_BYTES)
                    if not self._broken.is_set():
                        self._paths[key.data].enter(packet, monotonic_ms())
                now_ms = monotonic_ms()
                for path, device in zip(self._paths, reversed(self._devices), strict=True):
                    for packet in path.leave(now_ms):
                        os.write(device, packet)

    def _wait_s(self) -> float:
        due_ms = [path.next_ms() for path in self._paths]
        waits = [(due - monotonic_ms()) / 1000.0 for due in due_ms if due is not None]
        return max(0.0, min([IDLE_S, *waits]))


def _open_device(name: str) -> int:
    try:
        device = os.open(TUN_DEVICE, os.O_RDWR)
    except OSError as error:
        reason = error.strerror or str(error)
        raise EmulationError(f"expected to open {TUN_DEVICE}, got {reason}") from error
    try:
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as error:
        os.close(device)
        reason = error.strerror or str(error)
        raise EmulationError(f"expected to make the interface {name}, got {reason}") from error
    return device
