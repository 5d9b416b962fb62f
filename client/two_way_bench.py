"""What a call of two people costs on the wire: both ends capture what leaves them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from client.clock import unix_ms
from client.demo import free_port
from client.emulation.namespaces import LinkedNamespaces
from client.emulation.packet_capture import PacketCapture, read_capture
from client.errors import ServerError
from client.measured_call import LIVE_S, POLL_S, ROOM, SERVER
from client.processes import Children
from client.transport.causes import Cause
from client.wire_bench import SETTLE_S, WayRates, WireConfig, divide

NEAR, FAR = "ann", "bob"
HEARD_BYTES = 1000
"""Of a record of what was received: portrait and sound have been coming for a while."""


def measure_two_way(
    config: WireConfig, progress: Callable[[float], None]
) -> tuple[WayRates, WayRates]:
    """Runs a call of two participants and measures it.

    Both play the same clip, with its sound, at the same time. What is encrypted is not divided
    further: portrait, sound and their headers are one, so are control and acknowledgements.

    Args:
        config: which call; that sound is sent or not goes for both.
        progress: told the seconds that were measured.

    Returns:
        what left the end that the server is at, and what left the other.

    Raises:
        EmulationError: namespaces or captures are not permitted here.
        NerfcallError: the call does not come about, or breaks.
    """
    with (
        tempfile.TemporaryDirectory(prefix="nerfcall-") as name,
        LinkedNamespaces(config.shape) as link,
        Children() as children,
    ):
        folder = Path(name)
        port = free_port(0)
        address = f"http://{link.near.address}:{port}"
        ends = {NEAR: link.near, FAR: link.far}
        with (
            PacketCapture(link.near, folder / NEAR),
            PacketCapture(link.far, folder / FAR),
        ):
            serve = ["serve", "--open", "--host", link.near.address, "--port", str(port)]
            children.start(SERVER, [*serve, "--store", str(folder / "store")], link.near.inside())
            for person, end in ends.items():
                place = ["--server", address, "--room", ROOM, "--participant", person]
                how = ["--share", "room", "--no-browser", "--size", str(config.size)]
                how += ["--record", str(_record(folder, person))]
                children.start(person, ["call", *place, *how, *_sent(config)], end.inside())
            _wait_until_both_hear(children, folder)
            time.sleep(SETTLE_S)
            from_ms = unix_ms()
            while (elapsed_s := (unix_ms() - from_ms) / 1000.0) < config.seconds:
                children.check()
                progress(elapsed_s)
                time.sleep(POLL_S)
            to_ms = unix_ms()
        near, far = (_captured(folder / person, from_ms, to_ms) for person in ends)
    return near, far


def _sent(config: WireConfig) -> list[str]:
    options = ["--clip", str(config.clip), "--speaker", str(config.speaker)]
    options += ["--profile", config.profile, "--carrier", config.carrier]
    options += ["--sound" if config.sound else "--mute"]
    options += ["--constant-size"] if config.constant_size else []
    if config.target_kbps is not None:
        options += ["--target-kbps", str(config.target_kbps)]
    return options


def _record(folder: Path, person: str) -> Path:
    return folder / f"{person}.nerfcall"


def _wait_until_both_hear(children: Children, folder: Path) -> None:
    deadline = time.monotonic() + LIVE_S
    while True:
        # So it is called until the call ends (`client.recorder`).
        records = [folder / f"{_record(folder, person).name}.part" for person in (NEAR, FAR)]
        held = [record.stat().st_size if record.exists() else 0 for record in records]
        if min(held) >= HEARD_BYTES:
            return
        children.check()
        if time.monotonic() > deadline:
            raise ServerError(
                f"expected both to receive {HEARD_BYTES} bytes within {LIVE_S:.0f} s, got {held}"
            )
        time.sleep(POLL_S)


def _captured(capture: Path, from_ms: float, to_ms: float) -> WayRates:
    packets = [
        packet for packet in read_capture(capture.read_bytes()) if from_ms < packet.unix_ms <= to_ms
    ]
    uncounted = dict.fromkeys(Cause, 0)
    return divide(packets, uncounted, (to_ms - from_ms) / 1000.0, Cause.RTP)
