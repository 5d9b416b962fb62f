"""Options say how numbers become packets; what they leave out is as usual."""

from __future__ import annotations

from dataclasses import replace

from client.commands.coding import encoder_config
from codec.encoder import RECORDED, EncoderConfig
from codec.quality import USUAL_QUALITY

PRICE, QUANTISER = USUAL_QUALITY.price_of_bit, USUAL_QUALITY.quantiser


def test_nothing_said_is_a_call() -> None:
    assert encoder_config(False, PRICE, QUANTISER, None) == EncoderConfig()


def test_recorded_is_what_encode_writes() -> None:
    assert encoder_config(True, PRICE, QUANTISER, None) == RECORDED


def test_what_is_said_replaces_what_is_usual() -> None:
    wanted = replace(RECORDED, price_of_bit=0.02, quantiser=0, latency_ms=200.0, target_kbps=1.5)
    assert encoder_config(True, 0.02, 0, 200.0, 1.5) == wanted
