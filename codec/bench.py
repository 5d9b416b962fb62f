"""What a stream costs in bits and time, and how it survives loss: the table of `bench codec`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from codec.decoder import Decoder
from codec.encoder import Encoder, EncoderConfig
from codec.errors import CodecError
from codec.face import FaceState
from codec.loss_bench import LOSS_RATES, SPEAKER_ID, LossBench, measure_loss
from codec.packet import Packet
from codec.profile import Profile
from codec.sensitivity import Sensitivity
from codec.signal import SignalModel


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
        encode_ms: mean processor time of encoding a frame.
        decode_ms: mean processor time of decoding a frame.
        losses: decoding under loss where nobody answers.
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
    encoder = Encoder(SPEAKER_ID, signal, profile, config)
    known = list(zip_longest(states, sensitivities))
    # What this process computed: other work on the machine does not count.
    started = time.process_time()
    packets = [packet for frame in known if (packet := encoder.encode(*frame)) is not None]
    last = encoder.flush()
    packets += [] if last is None else [last]
    encoded = time.process_time()
    decoder = Decoder(SPEAKER_ID, signal)
    held = [len(decoder.decode(packet)) for packet in packets]
    finished = time.process_time()

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
