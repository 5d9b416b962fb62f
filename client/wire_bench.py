"""What a call costs on the wire: a real one, between two network namespaces, captured.

Server and sender run at one end of a link, the receiver at the other, each as a process of its
own. What leaves either end is captured by tcpdump: that is the cost. What the encrypted part
of it was for is told by the participants' own count, which has to agree with the capture.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from client.clock import unix_ms
from client.demo import free_port
from client.emulation.namespaces import LinkedNamespaces
from client.emulation.packet_capture import CapturedPacket, PacketCapture, read_capture
from client.emulation.path import LinkShape
from client.measured_call import POLL_S, start_call
from client.processes import Children
from client.stats_file import read_stats
from client.transport.causes import Cause
from client.transport.rtc import Carrier

SETTLE_S = 3.0
"""After which setting up, and what was lost of it, is over."""
SIGNALING = "signaling"


@dataclass(frozen=True, slots=True)
class WireConfig:
    """The call that is measured.

    Attributes:
        clip: what the sender plays.
        speaker: who is in it.
        profile: name of the coding profile.
        size: side of the rendered pictures, pixels.
        seconds: how long to measure.
        shape: of the link, each way.
        carrier: how packets travel at best: "srtp" or "channel".
        sound: send what the clip lets hear.
        target_kbps: payload to hold; None: as much as the picture gains from.
        constant_size: hide how long packets are.
    """

    clip: Path
    speaker: Path
    profile: str
    size: int
    seconds: float
    shape: LinkShape
    carrier: str
    sound: bool
    target_kbps: float | None = None
    constant_size: bool = False


@dataclass(frozen=True, slots=True)
class WayRates:
    """One way of the link, by the capture.

    Attributes:
        captured_kbps: all that left, headers of IP included.
        counted_kbps: the same by the sender's own count, signaling left out.
        by_cause_kbps: what it was for; the sum is `captured_kbps`.
        datagrams: how many packets left.
    """

    captured_kbps: float
    counted_kbps: float
    by_cause_kbps: dict[str, float]
    datagrams: int


@dataclass(frozen=True, slots=True)
class WireRates:
    """Mean rates over the measurement.

    Attributes:
        payload_kbps: face packets without any header, sent.
        down: from the sender to the receiver.
        up: from the receiver to the sender.
        render_fps: pictures a second that the receiver made at the end.
        capture_to_render_ms: median from a frame's capture to its picture, at the end.
        frames_received: frames that arrived since the call began.
        frames_lost: frames that did not.
    """

    payload_kbps: float
    down: WayRates
    up: WayRates
    render_fps: float
    capture_to_render_ms: float | None
    frames_received: int
    frames_lost: int


def measure_wire(config: WireConfig, progress: Callable[[float], None]) -> WireRates:
    """Runs a call and measures it.

    Args:
        config: which call.
        progress: told the seconds that were measured.

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
        send = ["--clip", str(config.clip), "--speaker", str(config.speaker)]
        send += ["--profile", config.profile]
        send += ["--carrier", config.carrier, "--sound" if config.sound else "--mute"]
        if config.constant_size:
            send += ["--constant-size"]
        if config.target_kbps is not None:
            send += ["--target-kbps", str(config.target_kbps)]
        with (
            PacketCapture(link.near, folder / "near.pcap"),
            PacketCapture(link.far, folder / "far.pcap"),
        ):
            call = start_call(
                children,
                folder,
                host=link.near.address,
                port=free_port(0),
                near=link.near.inside(),
                far=link.far.inside(),
                send=send,
                receive=["--size", str(config.size)],
            )
            call.wait_until_live()
            time.sleep(SETTLE_S)
            from_ms = unix_ms()
            while (elapsed_s := (unix_ms() - from_ms) / 1000.0) < config.seconds:
                children.check()
                progress(elapsed_s)
                time.sleep(POLL_S)
            to_ms = unix_ms()
        media = Cause.RTP if config.carrier == Carrier.SRTP else Cause.SCTP_DTLS
        down = _way(call.sent, folder / "near.pcap", from_ms, to_ms, media)
        up = _way(call.received, folder / "far.pcap", from_ms, to_ms, media)
        last = read_stats(call.received)[-1]
    return WireRates(
        payload_kbps=down.by_cause_kbps[Cause.PORTRAIT],
        down=down,
        up=up,
        render_fps=last["render_fps"],
        capture_to_render_ms=last["capture_to_render_ms"],
        frames_received=last["frames_received"],
        frames_lost=last["frames_lost"],
    )


def _way(stats: Path, capture: Path, from_ms: float, to_ms: float, media: Cause) -> WayRates:
    """Puts together what one end has counted and what was captured of it."""
    lines = [line for line in read_stats(stats) if from_ms <= line["unix_ms"] <= to_ms]
    first, last = lines[0], lines[-1]
    packets = [
        packet
        for packet in read_capture(capture.read_bytes())
        if first["unix_ms"] < packet.unix_ms <= last["unix_ms"]
    ]
    counted = {c: last["sent_bytes"][c] - first["sent_bytes"][c] for c in Cause}
    return divide(packets, counted, (last["unix_ms"] - first["unix_ms"]) / 1000.0, media)


def divide(
    packets: Sequence[CapturedPacket], counted: dict[Cause, int], seconds: float, media: Cause
) -> WayRates:
    """Divides captured bytes by cause.

    Args:
        packets: that left one end.
        counted: bytes by cause that this end has counted in the same time.
        seconds: how long that was.
        media: the protocol that carries portrait and sound, which a capture cannot look into.
    """
    within = dict.fromkeys((Cause.PORTRAIT, Cause.AUDIO), media)
    within |= dict.fromkeys((Cause.CONTROL, Cause.ACKNOWLEDGEMENTS), Cause.SCTP_DTLS)
    sizes = dict.fromkeys(Cause, 0)
    signaling = 0
    for packet in packets:
        if packet.protocol is None:
            signaling += packet.size
        else:
            sizes[Cause.IP_UDP] += packet.header
            sizes[packet.protocol] += packet.size - packet.header
    for cause, protocol in within.items():
        sizes[cause] += counted[cause]
        sizes[protocol] -= counted[cause]
    kbps = 8.0 / 1000.0 / seconds
    total = sum(packet.size for packet in packets)
    return WayRates(
        captured_kbps=total * kbps,
        counted_kbps=sum(counted.values()) * kbps,
        by_cause_kbps={c.value: n * kbps for c, n in sizes.items()} | {SIGNALING: signaling * kbps},
        datagrams=len(packets),
    )
