"""What a call costs on the wire, over loopback: server and sender as processes, receiver here."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from client.clock import monotonic_ms
from client.config import ReceiverConfig
from client.demo import HOST, free_port
from client.errors import ServerError
from client.parts import check_device, load_portrait
from client.processes import Children
from client.receiver import Receiver
from client.session import receive_into
from client.stats import WINDOW_MS, CallState

ROOM = "bench"
LIVE_S = 30.0
SAMPLE_S = 0.5


@dataclass(frozen=True, slots=True)
class WireConfig:
    """The call that is measured.

    Attributes:
        clip: what the sender plays.
        speaker: who is in it.
        profile: name of the coding profile.
        size: side of the rendered pictures, pixels.
        seconds: how long to measure.
    """

    clip: Path
    speaker: Path
    profile: str
    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class WireRates:
    """Mean rates over the measurement.

    Attributes:
        payload_kbps: packets without any header.
        wire_down_kbps: every byte from the sender, IP headers included.
        wire_up_kbps: every byte to the sender, IP headers included.
        render_fps: pictures a second that the receiver made meanwhile.
        frames_received: frames that arrived.
        frames_lost: frames that did not.
    """

    payload_kbps: float
    wire_down_kbps: float
    wire_up_kbps: float
    render_fps: float
    frames_received: int
    frames_lost: int


def measure_wire(config: WireConfig, progress: Callable[[float], None]) -> WireRates:
    """Runs a call and measures it.

    Args:
        config: which call.
        progress: told the seconds that were measured.

    Raises:
        NerfcallError: the call does not come about, or breaks.
    """
    with tempfile.TemporaryDirectory(prefix="nerfcall-") as folder, Children() as children:
        store = ["--store", str(Path(folder) / "store")]
        port = free_port(0)
        children.start("server", ["serve", "--host", HOST, "--port", str(port), *store])
        address = f"http://{HOST}:{port}"
        send = ["send", "--server", address, "--room", ROOM, "--clip", str(config.clip)]
        send += ["--speaker", str(config.speaker), "--profile", config.profile]
        children.start("sender", send)
        receiver = ReceiverConfig(address, ROOM, size=config.size, cache=Path(folder) / "cache")
        check_device(receiver.device)
        return asyncio.run(_measure(config, receiver, children, progress))


async def _measure(
    config: WireConfig,
    receiver_config: ReceiverConfig,
    children: Children,
    progress: Callable[[float], None],
) -> WireRates:
    receiver = Receiver(
        lambda path, base_of: load_portrait(path, receiver_config.device, base_of),
        size=receiver_config.size,
        jitter_delay_ms=receiver_config.jitter_delay_ms,
    )
    receiving = asyncio.create_task(receive_into(receiver_config, receiver))
    try:
        await _until_live(receiver, children)
        # Rates look back: by then they no longer see how the call was set up.
        await asyncio.sleep(WINDOW_MS / 1000.0)
        samples: list[Mapping[str, object]] = []
        started_ms = monotonic_ms()
        while (elapsed_s := (monotonic_ms() - started_ms) / 1000.0) < config.seconds:
            await asyncio.sleep(SAMPLE_S)
            children.check()
            samples.append(receiver.message(monotonic_ms()))
            progress(min(elapsed_s, config.seconds))
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
    return WireRates(
        payload_kbps=_mean(samples, "payload_kbps"),
        wire_down_kbps=_mean(samples, "wire_down_kbps"),
        wire_up_kbps=_mean(samples, "wire_up_kbps"),
        render_fps=_mean(samples, "render_fps"),
        frames_received=receiver.stats.frames_received,
        frames_lost=receiver.stats.frames_lost,
    )


async def _until_live(receiver: Receiver, children: Children) -> None:
    deadline_ms = monotonic_ms() + LIVE_S * 1000.0
    while receiver.state(monotonic_ms()) is not CallState.LIVE:
        children.check()
        if monotonic_ms() > deadline_ms:
            state = receiver.state(monotonic_ms())
            raise ServerError(
                f"expected a live call within {LIVE_S:.0f} s, got one that is {state}"
            )
        await asyncio.sleep(SAMPLE_S / 5)


def _mean(samples: list[Mapping[str, object]], name: str) -> float:
    values = [value for sample in samples if isinstance(value := sample[name], int | float)]
    return fmean(values)
