"""The search for a rate: what it finds, and how little it encodes for that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.evaluation.codecs.rate_search import nearest_quantizer

FINEST, COARSEST = 10, 63


class Encoder:
    """Rates by quantiser, and a count of the different quantisers asked for."""

    def __init__(self, rate_kbps: Callable[[int], float]) -> None:
        self._rate_kbps = rate_kbps
        self.encoded: set[int] = set()

    def __call__(self, quantizer: int) -> float:
        assert FINEST <= quantizer <= COARSEST
        self.encoded.add(quantizer)
        return self._rate_kbps(quantizer)


def halving(quantizer: int) -> float:
    """5 kbps at the coarsest, twice that every seven steps finer."""
    return float(5.0 * 2.0 ** ((COARSEST - quantizer) / 7))


def bent(quantizer: int) -> float:
    """Rates that rise ever faster towards fine quantisers, beside a floor of headers."""
    return float(4.0 + 2.0 ** ((COARSEST - quantizer) ** 1.3 / 18))


@pytest.mark.parametrize("rate_kbps", [halving, bent])
@pytest.mark.parametrize("target_kbps", [5.1, 12.0, 33.0, 90.0, 200.0])
def test_the_rate_found_is_nearly_the_nearest_of_all(
    rate_kbps: Callable[[int], float], target_kbps: float
) -> None:
    encoder = Encoder(rate_kbps)
    found = rate_kbps(nearest_quantizer(encoder, FINEST, COARSEST, target_kbps))
    ratios = [rate_kbps(q) / target_kbps for q in range(FINEST, COARSEST + 1)]
    nearest = min(max(ratio, 1 / ratio) for ratio in ratios)
    assert max(found / target_kbps, target_kbps / found) <= max(nearest, 1.035)
    assert len(encoder.encoded) <= 11


def test_what_is_known_already_is_used_for_the_next_target() -> None:
    encoder = Encoder(halving)
    for target_kbps in (6.0, 12.0, 24.0, 48.0, 96.0):
        nearest_quantizer(encoder, FINEST, COARSEST, target_kbps)
    assert len(encoder.encoded) <= 18


@pytest.mark.parametrize(("target_kbps", "quantizer"), [(1.0, COARSEST), (1e6, FINEST)])
def test_a_target_out_of_reach_gives_the_end(target_kbps: float, quantizer: int) -> None:
    assert nearest_quantizer(halving, FINEST, COARSEST, target_kbps) == quantizer


def test_nothing_much_finer_than_the_answer_is_encoded() -> None:
    encoder = Encoder(halving)
    answer = nearest_quantizer(encoder, FINEST, COARSEST, 12.0)
    assert min(encoder.encoded) >= answer - 8


def test_rates_that_do_not_quite_fall_do_not_trap_the_search() -> None:
    def wobbling(quantizer: int) -> float:
        return halving(quantizer) * (1.1 if quantizer % 2 else 0.9)

    found = wobbling(nearest_quantizer(wobbling, FINEST, COARSEST, 24.0))
    assert 24.0 / 1.25 < found < 24.0 * 1.25
