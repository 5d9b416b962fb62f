"""How a stream survives the loss of packets, with nobody answering and with receipts."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from codec.decoder import Decoder
from codec.encoder import Encoder, EncoderConfig
from codec.errors import PacketError
from codec.face import FaceState
from codec.held import Held
from codec.receipt import Receipt
from codec.sensitivity import Sensitivity
from codec.signal import SignalModel

LOSS_RATES = (0.0, 0.05, 0.1, 0.2)
RTTS_MS = (100.0, 500.0)
LOSS_TRIALS = 20
ANSWERED_TRIALS = 4
"""Fewer: what is coded depends on what was answered, so every trial codes anew."""
RECEIPT_INTERVAL_MS = 1000.0
"""As `client.transport.thin` tells them."""
SPEAKER_ID = "0" * 64


@dataclass(frozen=True, slots=True)
class LossBench:
    """Decoding under random, independent packet loss.

    Attributes:
        loss: share of packets that were lost.
        rtt_ms: round trip of the receipts that the sender got; None: it got none.
        payload_kbps: whole packets, at the given frame rate.
        decoded: share of all frames that could be decoded.
        outages: runs of frames that could not.
        outage_median_ms: half of the outages were at most this long.
        outage_p90_ms: nine in ten were at most this long.
        outage_max_ms: the longest.
    """

    loss: float
    rtt_ms: float | None
    payload_kbps: float
    decoded: float
    outages: int
    outage_median_ms: float
    outage_p90_ms: float
    outage_max_ms: float


@dataclass(frozen=True, slots=True)
class _Sent:
    """A packet on its way."""

    frames: int
    size: int
    arrived: bool


def measure_loss(
    packets: Sequence[bytes],
    held: Sequence[int],
    signal: SignalModel,
    loss: float,
    fps: float = 25.0,
) -> LossBench:
    """Decodes a stream with random losses, several times over.

    Args:
        packets: a stream of `SPEAKER_ID`.
        held: frames in each of them.
        signal: of the speaker.
        loss: probability of losing each packet; the draws are the same at every call.
        fps: frames per second.
    """
    draw = random.Random(0)
    trials = []
    for _ in range(LOSS_TRIALS if loss else 1):
        decoder = Decoder(SPEAKER_ID, signal)
        trials.append(
            [
                _Sent(frames, len(packet), draw.random() >= loss and _decodes(decoder, packet))
                for packet, frames in zip(packets, held, strict=True)
            ]
        )
    return _judged(trials, loss, None, fps)


def measure_answered(
    states: Sequence[FaceState],
    signal: SignalModel,
    loss: float,
    rtt_ms: float,
    config: EncoderConfig | None = None,
    fps: float = 25.0,
    sensitivities: Sequence[Sensitivity | None] = (),
) -> LossBench:
    """Codes and decodes a stream whose receiver sends receipts, several times over.

    Args:
        states: consecutive frames.
        signal: of the speaker.
        loss: probability of losing each packet, and each receipt.
        rtt_ms: from a packet's leaving to the earliest receipt of it.
        config: how frames become packets.
        fps: frames per second.
        sensitivities: of the frames' pictures, where they are known.
    """
    trials = []
    for seed in range(ANSWERED_TRIALS if loss else 1):
        call = _AnsweredCall(signal, config, loss, rtt_ms, seed)
        trials.append(list(call.run(zip_longest(states, sensitivities))))
    return _judged(trials, loss, rtt_ms, fps)


class _AnsweredCall:
    """A sender and a receiver, and what is on its way between them; time is that of frames."""

    def __init__(
        self,
        signal: SignalModel,
        config: EncoderConfig | None,
        loss: float,
        rtt_ms: float,
        seed: int,
    ) -> None:
        self._encoder = Encoder(SPEAKER_ID, signal, config=config)
        self._decoder = Decoder(SPEAKER_ID, signal)
        self._held = Held(self._encoder.sequence)
        self._draw = random.Random(seed)
        self._loss = loss
        self._rtt_ms = rtt_ms
        self._receipts: deque[tuple[float, Receipt]] = deque()
        self._told_ms = 0.0

    def run(self, frames: Iterable[tuple[FaceState, Sensitivity | None]]) -> Iterator[_Sent]:
        """Yields every packet and what became of it."""
        coded = 0
        for state, sensitivity in frames:
            self._answer(float(state.pts_ms))
            packet = self._encoder.encode(state, sensitivity)
            coded += 1
            if packet is not None:
                yield self._send(packet, coded - self._encoder.waiting)
                coded = self._encoder.waiting
        packet = self._encoder.flush()
        if packet is not None:
            yield self._send(packet, coded)

    def _send(self, packet: bytes, frames: int) -> _Sent:
        arrived = not self._lost() and _decodes(self._decoder, packet)
        return _Sent(frames, len(packet), arrived)

    def _answer(self, now_ms: float) -> None:
        """What the receiver tells leaves at its interval and is here a round trip later."""
        while self._receipts and self._receipts[0][0] <= now_ms:
            receipt = self._receipts.popleft()[1]
            self._held.told(receipt, self._encoder.sequence)
        self._encoder.acknowledge(self._held.sequences, calm=self._held.calm)
        if now_ms - self._told_ms < RECEIPT_INTERVAL_MS:
            return
        self._told_ms = now_ms
        told = self._decoder.receipt()
        if told is not None and not self._lost():
            self._receipts.append((now_ms + self._rtt_ms, told))

    def _lost(self) -> bool:
        return self._draw.random() < self._loss


def _judged(
    trials: Sequence[Sequence[_Sent]], loss: float, rtt_ms: float | None, fps: float
) -> LossBench:
    outages: list[int] = []
    for trial in trials:
        outage = 0
        for sent in trial:
            if sent.arrived and outage:
                outages.append(outage)
            outage = 0 if sent.arrived else outage + sent.frames
        if outage:
            outages.append(outage)
    everything = [sent for trial in trials for sent in trial]
    frames = sum(sent.frames for sent in everything)
    lengths_ms = np.array(outages or [0]) * 1000.0 / fps
    median, p90 = np.percentile(lengths_ms, [50, 90])
    return LossBench(
        loss=loss,
        rtt_ms=rtt_ms,
        payload_kbps=sum(sent.size for sent in everything) * 8.0 * fps / frames / 1000.0,
        decoded=sum(sent.frames for sent in everything if sent.arrived) / frames,
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
