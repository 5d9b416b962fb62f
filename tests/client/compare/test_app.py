"""What a page of the comparison may ask for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from client.compare.app import to_bmp, wished_shape
from client.emulation.path import LinkShape
from client.errors import ControlMessageError


def test_what_is_not_named_stays() -> None:
    shape = LinkShape(loss=0.1, delay_ms=30.0, rate_kbps=8.0)
    assert wished_shape(shape, {}) == shape
    assert wished_shape(shape, {"loss": 0}) == LinkShape(loss=0.0, delay_ms=30.0, rate_kbps=8.0)
    assert wished_shape(shape, {"rate_kbps": None}).rate_kbps is None
    assert wished_shape(shape, {"delay_ms": 200, "rate_kbps": 4}) == LinkShape(
        loss=0.1, delay_ms=200.0, rate_kbps=4.0
    )


@pytest.mark.parametrize(
    "wish",
    [
        {"loss": 0.9},
        {"loss": -1},
        {"loss": "much"},
        {"loss": True},
        {"loss": float("nan")},
        {"delay_ms": 1e9},
        {"rate_kbps": 0},
    ],
)
def test_what_makes_no_sense_is_refused(wish: dict[str, object]) -> None:
    with pytest.raises(ControlMessageError, match="expected"):
        wished_shape(LinkShape(), wish)


def test_pictures_cross_to_the_page_as_they_are() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    read = cv2.imdecode(np.frombuffer(to_bmp(rgb), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(read[..., ::-1], rgb)
