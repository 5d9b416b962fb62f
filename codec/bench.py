"""What a stream costs in bits and time, and how it survives loss: the table of `bench codec`."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from codec.decoder import Decoder
from codec.encoder import Encoder, EncoderConfig
from codec.errors import CodecError, PacketError
from codec.face import FaceState
from codec.packet import Packet
from codec.profile import Profile
from codec.sensitivity import Sensitivity
from codec.signal import SignalModel

LOSS_RATES = (0.0, 0.05, 0.1, 0.2)
LOSS_TRIALS = 20
_SPEAKER_ID = "0" * 64


@dataclass(frozen=True, slots=True)
class LossBench:
    """Decoding under random, independent packet loss.

    Attributes:
        loss: share of packets that were lost.
        decoded: share of all frames that could be decoded.
        outages: runs of frames that could not.
        outage_median_ms: half of the outages were at most this long.
        outage_p90_ms: nine in ten were at most this long.
        outage_max_ms: the longest.
    """

    loss: float
    decoded: float
    outages: int
    outage_median_ms: float
    outage_p90_ms: float
    outage_max_ms: float


@dataclass(frozen=True, slots=True)
class CodecBench:
    """One profile on one stream.

    Attributes:
        frames: how many states were coded.
        payload_kbps: whole packets, at the given frame rate.
        key_kbps: the key packets' part of it.
        header_share: the part of the bytes that is no entropy-coded body.
        packet_bytes_p5: 5th percentile of packet sizes; the others likewise.
        packet_bytes_median: see above.
        packet_bytes_p95: see above.
        key_packet_bytes: mean size of key packets.
        packet_frames: frames in a packet, mean.
        encode_ms: mean time of encoding a frame.
        decode_ms: mean time of decoding a frame.
        losses: decoding under loss.
    """

    frames: int
    payload_kbps: float
    key_kbps: float
    header_share: float
    packet_bytes_p5: float
    packet_bytes_median: float
    packet_bytes_p95: float
    key_packet_bytes: float
    packet_frames: float
    encode_ms: float
    decode_ms: float
    losses: tuple[LossBench, ...]


def measure(
    states: Sequence[FaceState],
    signal: SignalModel,
    profile: Profile = Profile.COMPACT,
    config: EncoderConfig | None = None,
    fps: float = 25.0,
    sensitivities: Sequence[Sensitivity | None] = (),
) -> CodecBench:
    """Codes a stream of states and decodes it again, whole and with losses.

    Args:
        states: consecutive frames.
        signal: of the speaker.
        profile: compact or lossless.
        config: how frames become packets.
        fps: frames per second at which rates and outages are stated.
        sensitivities: of the frames' pictures, where they are known.

    Raises:
        CodecError: there are no states.
    """
    if not states:
        raise CodecError("expected at least one state to measure, got none")
    encoder = Encoder(_SPEAKER_ID, signal, profile, config)
    started = time.perf_counter()
    known = zip_longest(states, sensitivities)
    packets = [packet for frame in known if (packet := encoder.encode(*frame)) is not None]
    last = encoder.flush()
    packets += [] if last is None else [last]
    encoded = time.perf_counter()
    decoder = Decoder(_SPEAKER_ID, signal)
    held = [len(decoder.decode(packet)) for packet in packets]
    finished = time.perf_counter()

    sizes = np.array([len(packet) for packet in packets])
    fields = [Packet.parse(packet) for packet in packets]
    key_sizes = np.array(
        [size for size, packet in zip(sizes, fields, strict=True) if packet.is_key]
    )
    body_bytes = sum(len(packet.body) for packet in fields)
    kbps_per_byte = 8.0 * fps / len(states) / 1000.0
    p5, median, p95 = np.percentile(sizes, [5, 50, 95])
    return CodecBench(
        frames=len(states),
        payload_kbps=float(sizes.sum() * kbps_per_byte),
        key_kbps=float(key_sizes.sum() * kbps_per_byte),
        header_share=float(1.0 - body_bytes / sizes.sum()),
        packet_bytes_p5=float(p5),
        packet_bytes_median=float(median),
        packet_bytes_p95=float(p95),
        key_packet_bytes=float(key_sizes.mean()),
        packet_frames=len(states) / len(packets),
        encode_ms=(encoded - started) * 1e3 / len(states),
        decode_ms=(finished - encoded) * 1e3 / len(states),
        losses=tuple(measure_loss(packets, held, signal, loss, fps) for loss in LOSS_RATES),
    )


def measure_loss(
    packets: Sequence[bytes],
    held: Sequence[int],
    signal: SignalModel,
    loss: float,
    fps: float = 25.0,
) -> LossBench:
    """Decodes a stream with random losses, several times over.

    Args:
        packets: a stream of the bench's own speaker id.
        held: frames in each of them.
        signal: of the speaker.
        loss: probability of losing each packet; the draws are the same at every call.
        fps: frames per second.
    """
    draw = random.Random(0)
    decoded = 0
    outages: list[int] = []
    for _ in range(LOSS_TRIALS if loss else 1):
        decoder = Decoder(_SPEAKER_ID, signal)
        outage = 0
        for packet, frames in zip(packets, held, strict=True):
            arrived = draw.random() >= loss and _decodes(decoder, packet)
            if arrived and outage:
                outages.append(outage)
            outage = 0 if arrived else outage + frames
            decoded += frames * arrived
        if outage:
            outages.append(outage)
    lengths_ms = np.array(outages or [0]) * 1000.0 / fps
    median, p90 = np.percentile(lengths_ms, [50, 90])
    return LossBench(
        loss=loss,
        decoded=decoded / (sum(held) * (LOSS_TRIALS if loss else 1)),
        outages=len(outages),
        outage_median_ms=float(median),
        outage_p90_ms=float(p90),
        outage_max_ms=float(lengths_ms.max()),
    )


def _decodes(decoder: Decoder, packet: bytes) -> bool:
    try:
        decoder.decode(packet)
    except PacketError:
        return False
    return True
