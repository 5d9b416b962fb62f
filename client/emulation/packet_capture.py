"""What really passed an interface: tcpdump's capture of what leaves it, read back by cause."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from struct import unpack_from
from typing import Self

from client.emulation.namespaces import LinkEnd
from client.errors import EmulationError
from client.transport.causes import Cause, protocol

SNAP_BYTES = 80
"""Enough of each packet to tell what it is: headers of Ethernet, IP, UDP, and a first byte."""
START_S = 5.0
PCAP_MAGIC = 0xA1B2C3D4
FILE_HEADER_BYTES, PACKET_HEADER_BYTES = 24, 16
ETHERNET, RAW_IP = 1, 101
"""Link types, see the list of the tcpdump group."""
ETHERNET_BYTES, ETHERTYPE_IPV4 = 14, 0x0800
TCP, UDP = 6, 17
UDP_HEADER_BYTES = 8


@dataclass(frozen=True, slots=True)
class CapturedPacket:
    """A packet that left an interface.

    Attributes:
        unix_ms: when.
        size: bytes of IP, headers included.
        header: bytes of the IP and UDP headers; 0 for anything but UDP.
        protocol: what UDP carried; None for TCP, which is signaling and the speaker file.
    """

    unix_ms: float
    size: int
    header: int
    protocol: Cause | None


class PacketCapture:
    """Captures what leaves one end of a link, within the context."""

    def __init__(self, end: LinkEnd, path: Path) -> None:
        """Args: end: whose packets. path: of the file that is written."""
        self._end = end
        self._path = path
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Starts.

        Raises:
            EmulationError: there is no tcpdump, or it is not permitted.
        """
        options = ["-i", self._end.interface, "-w", str(self._path), "-s", str(SNAP_BYTES)]
        command = [*self._end.inside(), "tcpdump", "-U", "-Q", "out", "--immediate-mode", *options]
        errors = self._path.with_suffix(".log")
        try:
            with errors.open("w") as said:
                self._process = subprocess.Popen(command, stderr=said, text=True)
        except FileNotFoundError as error:
            raise EmulationError("expected tcpdump, got none installed") from error
        deadline = time.monotonic() + START_S
        while "listening on" not in errors.read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = errors.read_text().strip().splitlines() or ["nothing"]
                self.__exit__()
                raise EmulationError(f"expected tcpdump to listen, it said: {words[-1]}")
            time.sleep(0.02)
        return self

    def __exit__(self, *error: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def read_capture(data: bytes) -> list[CapturedPacket]:
    """Reads a capture file (draft-ietf-opsawg-pcap), of IPv4 over Ethernet or alone.

    Args:
        data: of the file; a last packet that is cut off is left out.

    Raises:
        EmulationError: it is no capture file.
    """
    order = "<" if data[:4] == PCAP_MAGIC.to_bytes(4, "little") else ">"
    if len(data) < FILE_HEADER_BYTES or unpack_from(order + "L", data)[0] != PCAP_MAGIC:
        raise EmulationError(f"expected a capture file, got {data[:4].hex() or 'nothing'}")
    (link_type,) = unpack_from(order + "L", data, 20)
    if link_type not in (ETHERNET, RAW_IP):
        raise EmulationError(f"expected packets of Ethernet or IP, got link type {link_type}")
    packets = []
    place = FILE_HEADER_BYTES
    while place + PACKET_HEADER_BYTES <= len(data):
        seconds, micros, kept, _ = unpack_from(order + "LLLL", data, place)
        place += PACKET_HEADER_BYTES
        packet = data[place : place + kept]
        place += kept
        if link_type == ETHERNET:
            ethertype = unpack_from("!H", packet, 12)[0] if len(packet) >= ETHERNET_BYTES else 0
            packet = packet[ETHERNET_BYTES:] if ethertype == ETHERTYPE_IPV4 else b""
        found = _packet(packet, seconds * 1000.0 + micros / 1000.0)
        if found is not None:
            packets.append(found)
    return packets


def _packet(packet: bytes, unix_ms: float) -> CapturedPacket | None:
    """Reads an IPv4 packet (RFC 791); None for anything else."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    header = 4 * (packet[0] & 15)
    (size,) = unpack_from("!H", packet, 2)
    if packet[9] == TCP:
        return CapturedPacket(unix_ms, size, 0, None)
    if packet[9] != UDP:
        return None
    header += UDP_HEADER_BYTES
    return CapturedPacket(unix_ms, size, header, protocol(packet[header:]))
