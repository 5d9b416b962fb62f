"""The links on which calls are tried, and how they fare there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from client.emulation.call import CallOutcome, Script, emulate_call
from client.emulation.path import LinkShape
from codec.signal import SignalModel

JITTER_DELAY_MS = 60.0
"""As `call` and `receive` have it."""
LOSSES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
BURST_PACKETS = 4.0
RTTS_MS = (50.0, 100.0, 500.0)
JITTERS_MS = (0.0, 50.0)
RATES_KBPS = (300.0, 100.0, 50.0, 25.0)
QUEUE_MS = 100.0
DUPLICATED = 0.02
OVERTAKEN = 0.05
USUAL = LinkShape(delay_ms=50.0, queue_ms=QUEUE_MS)


@dataclass(frozen=True, slots=True)
class NamedLink:
    """A link, and what to call it.

    Attributes:
        name: what is wrong with it.
        shape: what it does to packets, each way.
    """

    name: str
    shape: LinkShape


@dataclass(frozen=True, slots=True)
class Fared:
    """How a call fared.

    Attributes:
        link: on which link.
        outcome: what came of it.
        added_p50_ms: delay from capture to screen beyond the median on a link of the same round
            trip without faults, in the median.
        added_p95_ms: likewise.
        added_p99_ms: likewise.
    """

    link: NamedLink
    outcome: CallOutcome
    added_p50_ms: float
    added_p95_ms: float
    added_p99_ms: float


def links_by_one() -> list[NamedLink]:
    """Links with a round trip of 100 ms that have one fault each, and the issue's pairs."""
    shapes = [USUAL]
    shapes += [replace(USUAL, loss=loss) for loss in LOSSES[1:]]
    shapes += [replace(USUAL, loss=loss, burst_packets=BURST_PACKETS) for loss in LOSSES[1:]]
    shapes += [replace(USUAL, delay_ms=rtt / 2.0, loss=0.1) for rtt in (50.0, 500.0)]
    shapes += [replace(USUAL, jitter_ms=50.0)]
    shapes += [replace(USUAL, jitter_ms=50.0, loss=0.2)]
    shapes += [replace(USUAL, duplicated=DUPLICATED), replace(USUAL, overtaken=OVERTAKEN)]
    shapes += [replace(USUAL, rate_kbps=rate) for rate in RATES_KBPS]
    shapes += [replace(USUAL, rate_kbps=25.0, loss=0.1)]
    return [NamedLink(describe(shape), shape) for shape in shapes]


def all_links() -> list[NamedLink]:
    """Every combination; all links deliver some packets twice and some out of order."""
    kinds = [(loss, 1.0) for loss in LOSSES] + [(loss, BURST_PACKETS) for loss in LOSSES[1:]]
    rates = (None, *RATES_KBPS)
    shapes = [
        LinkShape(
            *(loss, burst, rtt_ms / 2.0, jitter_ms),
            *(DUPLICATED, OVERTAKEN, rate_kbps, QUEUE_MS),
        )
        for (loss, burst), rtt_ms, jitter_ms, rate_kbps in itertools.product(
            kinds, RTTS_MS, JITTERS_MS, rates
        )
    ]
    return [NamedLink(describe(shape), shape) for shape in shapes]


def describe(shape: LinkShape) -> str:
    """Says in a few words what is wrong with a link."""
    loss = f"{shape.loss:.0%} lost" if shape.loss else ""
    if shape.loss and shape.burst_packets > 1.0:
        loss += f" in bursts of {shape.burst_packets:g}"
    words = [
        loss,
        f"rtt {2 * shape.delay_ms:g}",
        f"jitter {shape.jitter_ms:g}" if shape.jitter_ms else "",
        f"{shape.duplicated:.0%} twice" if shape.duplicated else "",
        f"{shape.overtaken:.0%} overtaken" if shape.overtaken else "",
        f"{shape.rate_kbps:g} kbps" if shape.rate_kbps else "",
    ]
    return ", ".join(word for word in words if word)


def fare(
    speaker: str, signal: SignalModel, script: Script, links: Sequence[NamedLink], seconds: float
) -> Iterator[Fared]:
    """Lets a call happen on each link.

    Args:
        speaker: sha256 of the speaker file.
        signal: of the speaker file.
        script: what is sent.
        links: which.
        seconds: how long each call is looked at.
    """
    usual_ms: dict[float, float] = {}

    def call(shape: LinkShape) -> CallOutcome:
        delay_ms = JITTER_DELAY_MS
        return emulate_call(
            speaker, signal, script, shape, seconds=seconds, jitter_delay_ms=delay_ms
        )

    for link in links:
        way_ms = link.shape.delay_ms
        if way_ms not in usual_ms:
            usual_ms[way_ms] = call(LinkShape(delay_ms=way_ms)).delay_p50_ms
        seen = call(link.shape)
        delays_ms = (seen.delay_p50_ms, seen.delay_p95_ms, seen.delay_p99_ms)
        yield Fared(link, seen, *(ms - usual_ms[way_ms] for ms in delays_ms))
