"""The kernels against their plain twins in torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
import warp as wp
from numpy.typing import NDArray

from codec.face import FaceState
from models.portrait.config import FieldConfig
from models.portrait.conventions import TILES
from models.portrait.field import FrameInputs, SpeakerField
from models.portrait.image import lattice_depths, render_image
from models.portrait.kernels import programs
from models.portrait.kernels.bindings import (
    BoundView,
    bind_blend,
    bind_lattice,
    bind_view,
    bind_warp,
)
from models.portrait.kernels.folded import COLOUR, HIDDEN, fold_coarse, fold_head, fold_torso
from models.portrait.kernels.launches import Stage, Workers, share
from models.portrait.kernels.painter import KernelPainter, unsupported
from models.portrait.kernels.view import FrameViews
from models.portrait.occupancy import Occupancy
from models.portrait.restore import field_weights
from tests.models.portrait.solid_speaker import CAMERA, solid_field, state

Solid = tuple[SpeakerField, Occupancy]

POSES = {
    "front": state(),
    "turned": state(rotation=(0.3, 0.7, 0.1), seed=1),
    "half out of the picture": state(translation=(25.0, 5.0, -45.0), seed=2),
    "so close that it fills the picture": state(translation=(0.0, 0.0, -18.0), seed=3),
    "the camera inside the head": state(translation=(0.0, 0.0, 0.0)),
    "before a camera that panned": state(background=(0.2, -0.1, 0.15, -0.3), seed=4),
    "out of the picture": state(translation=(300.0, 0.0, -50.0)),
    "behind the camera": state(translation=(0.0, 0.0, 60.0)),
}


@pytest.fixture(scope="module")
def solid() -> Solid:
    return solid_field(FieldConfig())


@pytest.fixture(scope="module")
def painter(solid: Solid) -> Iterator[KernelPainter]:
    with KernelPainter(field_weights(*solid), CAMERA) as painter:
        yield painter


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    workers = Workers()
    yield workers
    workers.close()


def inputs(state: FaceState) -> FrameInputs:
    pose = state.pose
    vectors = (state.expression, pose.rotation, pose.translation, state.torso, state.background)
    return FrameInputs(*(torch.from_numpy(vector)[None] for vector in vectors))


def plain(solid: Solid, state: FaceState, size: int) -> NDArray[np.float64]:
    rgb = render_image(*solid, CAMERA, inputs(state), size)
    return rgb.nan_to_num(0.0).clamp(0.0, 1.0).double().numpy() * 255.0


def psnr(a: NDArray[np.float64], b: NDArray[np.uint8]) -> float:
    return float(10.0 * np.log10(255.0**2 / np.mean((a - b) ** 2)))


def empty(*shape: int) -> NDArray[np.float32]:
    # No number, so that an item which no launch writes is noticed.
    return np.full(shape, np.nan, np.float32)


def view_of(solid: Solid, state: FaceState) -> BoundView:
    weights = field_weights(*solid)
    bound = bind_view(fold_head(weights), weights.config)
    bound.write(FrameViews(weights, CAMERA).view(state))
    return bound


@pytest.mark.parametrize("pose", POSES.values(), ids=POSES.keys())
def test_a_picture_is_that_of_the_plain_path(
    solid: Solid, painter: KernelPainter, pose: FaceState
) -> None:
    expected = plain(solid, pose, 128)
    drawn = painter.draw(pose, 128)
    # Half a step of rounding to bytes alone is 58.9 dB.
    assert psnr(expected, drawn) > 55.0
    assert np.abs(expected - drawn).max() < 4.0


@pytest.mark.parametrize("size", [16, 63, 64, 100, 256, 300])
def test_pictures_of_any_size_are_those_of_the_plain_path(
    solid: Solid, painter: KernelPainter, size: int
) -> None:
    pose = POSES["turned"]
    assert psnr(plain(solid, pose, size), painter.draw(pose, size)) > 55.0


def test_a_large_picture_shows_the_same_as_a_small_one(
    solid: Solid, painter: KernelPainter
) -> None:
    pose = POSES["front"]
    large = painter.draw(pose, 1024).astype(np.float64).reshape(128, 8, 128, 8, 3).mean((1, 3))
    background = plain(solid, POSES["out of the picture"], 128)
    head = np.abs(plain(solid, pose, 128) - background).mean(-1) > 16.0
    difference = (large - painter.draw(pose, 128))[head]
    assert head.sum() > 500
    assert np.abs(difference).mean() < 8.0


def test_expression_and_pose_move_the_picture(painter: KernelPainter) -> None:
    front, turned = (painter.draw(POSES[name], 64).astype(int) for name in ("front", "turned"))
    same_pose = painter.draw(state(seed=9), 64).astype(int)
    assert np.abs(front - turned).mean() > 1.0
    assert np.abs(front - same_pose).mean() > 0.1


def test_equal_states_give_equal_bytes_whatever_was_drawn_between(painter: KernelPainter) -> None:
    first = painter.draw(POSES["turned"], 200)
    for _ in range(8):
        painter.draw(POSES["half out of the picture"], 64)
        np.testing.assert_array_equal(painter.draw(POSES["turned"], 200), first)


@pytest.mark.parametrize("value", [1e30, -1e30, 3e38, 1e-40])
@pytest.mark.parametrize("part", ["expression", "rotation", "translation", "torso", "background"])
def test_absurd_numbers_are_drawn_somehow(painter: KernelPainter, part: str, value: float) -> None:
    vector = POSES["front"].vector()
    starts = {"expression": 0, "rotation": 30, "translation": 33, "torso": 36, "background": 42}
    length = {"expression": 30, "rotation": 3, "translation": 3, "torso": 4, "background": 4}[part]
    absurd = value * np.resize([1.0, -0.5, 0.25], length)
    vector[starts[part] : starts[part] + length] = absurd
    odd = FaceState.from_vector(vector, 0)
    first = painter.draw(odd, 64)
    assert first.shape == (64, 64, 3)
    np.testing.assert_array_equal(painter.draw(odd, 64), first)


def test_the_picture_of_an_earlier_frame_stays(painter: KernelPainter) -> None:
    first = painter.draw(POSES["front"], 64)
    kept = first.copy()
    painter.draw(POSES["turned"], 64)
    np.testing.assert_array_equal(first, kept)


def test_the_lattice_sees_the_depths_of_the_plain_one(solid: Solid, workers: Workers) -> None:
    field, occupancy = solid
    weights = field_weights(*solid)
    corners = (TILES + 1) ** 2
    lattice = bind_lattice(fold_coarse(weights), weights.occupied, field.config)
    near, far = empty(corners), empty(corners)
    cdf = share(empty(corners * field.config.coarse_samples))
    view = view_of(solid, POSES["turned"])
    outputs = [cdf, share(near), share(far)]
    workers.run(
        Stage(programs.see_lattice, corners, 8, lambda at: [lattice, view.bound, at, *outputs])
    )
    expected = lattice_depths(field, occupancy, CAMERA, inputs(POSES["turned"]))
    # As in the plain path a tile takes what its corners see.
    grid = (TILES + 1, TILES + 1)
    windows = [
        np.lib.stride_tricks.sliding_window_view(values.reshape(grid), (2, 2))
        for values in (near, far)
    ]
    got_near, got_far = windows[0].min((-2, -1)).ravel(), windows[1].max((-2, -1)).ravel()
    hit = (expected[1] > expected[0]).numpy()
    assert 100 < hit.sum() < TILES * TILES
    np.testing.assert_array_equal(got_far > got_near, hit)
    np.testing.assert_allclose(got_near[hit], expected[0].numpy()[hit], atol=2e-3)
    np.testing.assert_allclose(got_far[hit], expected[1].numpy()[hit], atol=2e-3)


def test_the_frames_planes_are_the_plain_ones_behind_their_first_layers(
    solid: Solid, workers: Workers
) -> None:
    field = solid[0]
    folded = fold_head(field_weights(*solid))
    blend = bind_blend(folded, field.config)
    moving = empty(3 * blend.plane, HIDDEN + COLOUR)
    density = np.full(folded.density.shape, np.nan, np.float16)
    colour = np.full(folded.colour.shape, np.nan, np.float16)
    view = view_of(solid, POSES["front"])
    moved = share(moving)
    added = [share(density, wp.float16), share(colour, wp.float16)]
    workers.run(
        Stage(programs.blend_planes, len(moving), 4, lambda at: [blend, view.bound, at, moved])
    )
    workers.run(
        Stage(programs.add_planes, 3 * (blend.fine + 1), 8, lambda at: [blend, moved, at, *added])
    )
    planes = field.head.planes(torch.from_numpy(POSES["front"].expression)[None])[0]
    nodes = planes.permute(0, 2, 3, 1).reshape(3, -1, planes.shape[1])
    # A sample on node 40 of every plane: the features side by side, then the first layers.
    features = nodes[:, 40].reshape(-1)
    head = field.head
    hidden = density.astype(np.float32).reshape(3, -1, HIDDEN)[:, 40].sum(0)
    np.testing.assert_allclose(hidden, head.density1(features).numpy(), atol=4e-3)
    direct = colour.astype(np.float32).reshape(3, -1, COLOUR)[:, 40].sum(0)[HIDDEN : HIDDEN + 3]
    expected = head.colour_direct(features) + head.colour2.bias
    np.testing.assert_allclose(direct, expected.numpy(), atol=4e-3)
    assert np.isfinite(density).all()
    assert np.isfinite(colour).all()


def test_the_torsos_warp_is_the_plain_one(solid: Solid, workers: Workers) -> None:
    field = solid[0]
    view = view_of(solid, POSES["turned"])
    weights = field_weights(*solid)
    layers = bind_warp(weights, fold_torso(weights))
    nodes = (field.config.warp_cells + 1) ** 2
    workers.run(Stage(programs.warp_torso, nodes, 2, lambda at: [*layers, view.bound, at]))
    expected = field.torso.warp(field.movement(inputs(POSES["turned"])))[0]
    assert expected.std() > 0.005
    np.testing.assert_allclose(
        view.memory["warp"].reshape(-1, 2), expected.reshape(2, -1).T.numpy(), atol=1e-5
    )


def test_fields_of_other_sizes_are_drawn_too() -> None:
    config = replace(
        FieldConfig(),
        box_max=(13.0, 18.0, 12.0),
        static_cells=96,
        static_channels=12,
        dynamic_cells=32,
        dynamic_channels=5,
        expression_planes=7,
        geometry_dim=9,
        bend_shapes=3,
        bend_cells=5,
        coarse_cells=48,
        coarse_channels=6,
        coarse_samples=12,
        fine_samples=5,
        consistency_dim=4,
        torso_cells=60,
        torso_channels=10,
        warp_cells=8,
        background_px=90,
        background_min=(-0.25, -0.125),
        background_max=(1.0, 1.5),
    )
    solid = solid_field(config, seed=4)
    with KernelPainter(field_weights(*solid), CAMERA) as painter:
        for name in ("turned", "before a camera that panned"):
            drawn = painter.draw(POSES[name], 96)
            assert psnr(plain(solid, POSES[name], 96), drawn) > 55.0


def test_networks_of_other_widths_are_refused() -> None:
    assert unsupported(FieldConfig()) is None
    assert unsupported(replace(FieldConfig(), hidden=64)) == "field hidden: expected 32, got 64"
    assert "at least 2 pixels" in (unsupported(replace(FieldConfig(), background_px=1)) or "")


@pytest.mark.parametrize(("items", "parts"), [(1, 4), (7, 2), (64, 5)])
def test_a_stage_reaches_every_item_once(workers: Workers, items: int, parts: int) -> None:
    counts = np.zeros(items, np.float32)
    shared = share(counts)
    workers.run(Stage(_count, items, parts, lambda at: [shared, at]))
    np.testing.assert_array_equal(counts, np.ones(items))


@wp.kernel
def _count(counts: wp.array(dtype=wp.float32), first: int):  # type: ignore[no-untyped-def,valid-type]
    item = wp.tid() + first  # type: ignore[operator]
    counts[item] = counts[item] + 1.0
