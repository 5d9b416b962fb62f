"""The renderer: what draws, what is refused, and that it ends."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from codec.face import FaceState
from models.errors import ModelError
from models.portrait.config import FieldConfig
from models.portrait.renderer import PortraitRenderer, prepare
from models.portrait.speaker import Speaker
from tests.models.portrait.solid_speaker import solid_speaker, state

FAST = "models.portrait.kernels.painter"
COMPILES = "models.portrait.kernels.stages"


@pytest.fixture(scope="module")
def speaker() -> Speaker:
    return solid_speaker(FieldConfig())


def test_the_kernels_draw_on_a_cpu_what_torch_would(speaker: Speaker) -> None:
    with (
        PortraitRenderer(speaker, "cpu") as fast,
        PortraitRenderer(speaker, "cpu", path="torch") as plain,
    ):
        assert (fast.path, plain.path) == ("warp", "torch")
        drawn, expected = fast.render(state(), 96), plain.render(state(), 96)
    assert drawn.dtype == np.uint8
    assert drawn.shape == (96, 96, 3)
    assert np.abs(drawn.astype(int) - expected).max() <= 2
    assert drawn.std() > 10.0


def test_renderers_of_one_speaker_draw_the_same_bytes(speaker: Speaker) -> None:
    with PortraitRenderer(speaker, "cpu") as one, PortraitRenderer(speaker, "cpu") as other:
        np.testing.assert_array_equal(one.render(state(), 128), other.render(state(), 128))


def test_without_warp_torch_draws_and_the_log_says_so(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, FAST, raising=False)
    monkeypatch.setitem(sys.modules, "warp", None)
    with caplog.at_level(logging.WARNING), PortraitRenderer(speaker, "cpu") as renderer:
        assert renderer.path == "torch"
        assert renderer.render(state(), 32).std() > 10.0
        assert renderer.time_stages(state(), 32) == {}
    assert [record.getMessage()[:35] for record in caplog.records] == [
        "no fast rendering, torch draws inst"
    ]


def test_when_warp_cannot_compile_torch_draws(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no compiler for this machine")

    monkeypatch.setattr(f"{FAST}.KernelPainter.__init__", fail)
    with PortraitRenderer(speaker, "cpu") as renderer:
        assert renderer.path == "torch"
    assert "no compiler for this machine" in caplog.text


def test_a_field_that_the_kernels_do_not_know_is_drawn_by_torch(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wide = solid_speaker(replace(FieldConfig(), hidden=40))
    with PortraitRenderer(wide, "cpu") as renderer:
        assert renderer.path == "torch"
        assert renderer.render(state(), 32).shape == (32, 32, 3)
    assert "expected 32, got 40" in caplog.text
    with pytest.raises(ModelError, match="expected warp, got torch"):
        PortraitRenderer(wide, "cpu", path="warp")


def test_a_closed_renderer_leaves_no_thread(speaker: Speaker) -> None:
    before = set(threading.enumerate())
    with PortraitRenderer(speaker, "cpu") as renderer:
        renderer.render(state(), 64)
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before


def test_a_renderer_that_nobody_holds_leaves_no_thread(speaker: Speaker) -> None:
    before = set(threading.enumerate())
    renderer = PortraitRenderer(speaker, "cpu")
    renderer.render(state(), 64)
    started = set(threading.enumerate()) - before
    assert started
    del renderer
    for thread in started:
        thread.join(timeout=5.0)
        assert not thread.is_alive()


@pytest.mark.parametrize("path", ["warp", "torch"])
@pytest.mark.parametrize("size", [0, 15, 4097])
def test_a_size_out_of_range_is_refused(speaker: Speaker, size: int, path: str) -> None:
    with (
        PortraitRenderer(speaker, "cpu", path="warp" if path == "warp" else "torch") as renderer,
        pytest.raises(ModelError, match=f"expected 16..4096 pixels, got {size}"),
    ):
        renderer.render(state(), size)


def test_a_state_that_cannot_be_drawn_is_refused(speaker: Speaker) -> None:
    broken = state().vector()
    broken[31] = np.nan
    with PortraitRenderer(speaker, "cpu") as renderer:
        with pytest.raises(ModelError, match="finite"):
            renderer.render(FaceState.from_vector(broken, 0), 64)
        flat = (-1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        with pytest.raises(ModelError, match="area"):
            renderer.render(state(torso=flat), 64)
        with pytest.raises(ModelError, match=r"zoom within ±4\.0, got 9"):
            renderer.render(state(background=(9.0, 0.0, 0.0, 0.0)), 64)


def test_preparing_compiles_the_kernels_or_lets_the_renderer_say_why_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []
    monkeypatch.setattr(f"{COMPILES}.compile_kernels", lambda: compiled.append(1))
    prepare("cpu")
    assert compiled == [1]
    monkeypatch.delitem(sys.modules, COMPILES)
    monkeypatch.setitem(sys.modules, "warp", None)
    prepare("cpu")
    with pytest.raises(ModelError, match="got 'tpu'"):
        prepare("tpu")
