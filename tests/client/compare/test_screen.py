"""How a stream is judged: by what is seen at every moment, not by its best pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from client.compare.screen import Portrait, Screen

FRAME_MS = 40.0


def gray(level: int, side: int = 8) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


def filmed(count: int) -> list[Portrait]:
    """A source that gets brighter by one step a frame."""
    return [Portrait(FRAME_MS * number, gray(number)) for number in range(count)]


def run(screen: Screen, latency_ms: float, frames: int, shown: range | list[int]) -> None:
    """Shows some frames of the source so much later, and scores at every frame."""
    source = filmed(frames)
    for number in range(frames):
        now_ms = FRAME_MS * number
        for candidate in shown:
            if candidate * FRAME_MS + latency_ms == now_ms:
                screen.show(gray(candidate), latency_ms, now_ms)
        screen.score(now_ms, source[: number + 1])


def db(error: float) -> float:
    return 20.0 * math.log10(255.0 / error) if error else math.inf


def test_before_anything_is_seen_there_is_no_likeness() -> None:
    screen = Screen()
    screen.score(0.0, filmed(1))
    assert (screen.psnr_db, screen.latency_ms, screen.frozen_ms(9.0)) == (None, None, 0.0)


def test_a_picture_is_compared_with_the_moment_it_was_filmed() -> None:
    screen = Screen()
    screen.show(gray(7), 120.0, 400.0)
    screen.score(400.0, [Portrait(240.0, gray(9)), Portrait(280.0, gray(8)), *filmed(0)])
    assert screen.psnr_db == pytest.approx(db(1))
    assert screen.latency_ms == 120.0


def test_a_picture_that_stands_still_gets_worse_while_the_source_moves() -> None:
    moving, frozen = Screen(), Screen()
    run(moving, 80.0, 60, range(1, 60, 2))
    run(frozen, 80.0, 60, [1])
    assert frozen.psnr_db is not None and moving.psnr_db is not None
    assert frozen.psnr_db < moving.psnr_db - 10.0
    assert frozen.frozen_ms(60 * FRAME_MS) == 60 * FRAME_MS - 120.0


def test_latency_is_that_of_nine_pictures_in_ten() -> None:
    screen = Screen()
    for number in range(100):
        screen.show(gray(0), 900.0 if number % 20 == 0 else 100.0 + number % 3, number)
    assert screen.latency_ms == 102.0


def test_pictures_of_another_size_are_not_compared() -> None:
    screen = Screen()
    screen.show(gray(1, 4), 0.0, 0.0)
    screen.score(0.0, filmed(1))
    assert screen.psnr_db is None


def test_a_screen_forgets_what_another_codec_showed() -> None:
    screen = Screen()
    run(screen, 0.0, 5, range(1, 5))
    screen.forget()
    assert (screen.picture, screen.psnr_db, screen.latency_ms) == (None, None, None)
