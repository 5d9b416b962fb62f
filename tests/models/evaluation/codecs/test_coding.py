"""What a payload comes to in bits a second."""

from __future__ import annotations

from fractions import Fraction

import pytest

from models.evaluation.codecs.coding import Payload


def test_the_first_frame_counts_and_is_told_apart() -> None:
    # 1000 bytes, then 9 frames of 100: 1900 bytes in 0.4 s, 900 in 0.36 s.
    payload = Payload(1900, 1000, 10, Fraction(25))
    assert payload.kbps == pytest.approx(1900 * 8 / 0.4 / 1000)
    assert payload.kbps_without_first_frame == pytest.approx(900 * 8 / 0.36 / 1000)


@pytest.mark.parametrize(
    "payload", [Payload(9, None, 3, Fraction(25)), Payload(9, 9, 1, Fraction(25))]
)
def test_what_follows_the_first_frame_may_be_unknown(payload: Payload) -> None:
    assert payload.kbps_without_first_frame is None
