"""The classic codecs: the best way at a rate, and one frame after the other."""

from __future__ import annotations

import numpy as np
import pytest

from client.compare.classic_choice import STEPS, choose, resized
from client.compare.classic_coder import LiveDecoder, LiveEncoder
from client.compare.run import low_delay_settings
from client.compare.wire import HEADER_BYTES
from models.evaluation.metrics import psnr_db
from tests.models.evaluation.codecs.footage import drifting_footage

FPS = 25.0
SETTINGS = low_delay_settings()


@pytest.fixture(scope="module")
def portraits() -> list[np.ndarray]:
    return list(drifting_footage(50, 128, 3).pictures)


def test_this_machine_has_classic_codecs() -> None:
    assert {"x264", "VP9"} <= {setting.name for setting in SETTINGS}


def test_the_way_that_is_chosen_fits_the_rate(portraits: list[np.ndarray]) -> None:
    x264 = next(each for each in SETTINGS if each.name == "x264")
    thin, wide = (choose(x264, portraits, FPS, kbps) for kbps in (4.0, 200.0))
    for choice, kbps in ((thin, 4.0), (wide, 200.0)):
        assert choice.side_px in (64, 128) and choice.step in STEPS
        assert FPS / choice.step * HEADER_BYTES * 8 / 1000 < kbps
    assert thin.step > wide.step
    assert (wide.side_px, -wide.quantizer) >= (thin.side_px, -thin.quantizer)


def test_where_nothing_fits_the_cheapest_way_is_taken(portraits: list[np.ndarray]) -> None:
    x264 = next(each for each in SETTINGS if each.name == "x264")
    choice = choose(x264, portraits[:10], FPS, 0.05)
    assert (choice.side_px, choice.step, choice.quantizer) == (64, STEPS[-1], x264.coarsest)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_frames_are_shown_as_they_come_and_intra_frames_on_request(
    setting, portraits: list[np.ndarray]
) -> None:
    choice = choose(setting, portraits[:20], FPS, 300.0)
    encoder, decoder = LiveEncoder(setting, choice, FPS), LiveDecoder(setting)
    keys, shown = [], []
    for number, portrait in enumerate(portraits[:12]):
        if number == 6:
            encoder.request_key()
        data, is_key = encoder.encode(portrait)
        if data:
            keys.append(is_key)
            shown.append(decoder.decode(data, is_key))
    assert keys[0] and sum(keys) == 2
    seen = [each for each in shown if each is not None]
    assert len(seen) >= 10  # no more than a frame is held back each time
    side_px = len(portraits[0])
    assert psnr_db(resized(seen[-1], side_px), portraits[11]) > 20.0


def test_a_decoder_gives_nothing_for_garbage() -> None:
    x264 = next(each for each in SETTINGS if each.name == "x264")
    assert LiveDecoder(x264).decode(b"certainly no frame", is_key=True) is None
