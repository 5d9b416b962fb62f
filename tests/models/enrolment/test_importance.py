"""Measured importance foretells what an error of the planes does to pictures."""

import numpy as np
import pytest
import torch

from models.enrolment.importance import measure_importance
from models.portrait.coding.wavelet import analyse, synthesise
from models.portrait.config import FieldConfig
from models.portrait.field import FrameInputs
from models.portrait.image import render_image
from tests.models.portrait.solid_speaker import CAMERA, DISTANCE_CM, solid_field

CONFIG = FieldConfig(
    static_cells=32, dynamic_cells=16, coarse_cells=16, torso_cells=32, background_px=32
)


def frames_of(count: int) -> FrameInputs:
    generator = torch.Generator().manual_seed(1)
    translation = torch.zeros(count, 3)
    translation[:, 2] = DISTANCE_CM
    return FrameInputs(
        torch.randn(count, 30, generator=generator),
        torch.zeros(count, 3),
        translation,
        torch.zeros(count, 6),
        torch.zeros(count, 4),
    )


@pytest.mark.parametrize(
    ("name", "band"), [("head.static", -1), ("head.static", -6), ("torso.plane", -1)]
)
def test_the_pictures_error_is_as_foretold(name: str, band: int) -> None:
    field, occupancy = solid_field(CONFIG)
    frames = frames_of(16)
    generator = torch.Generator().manual_seed(0)
    importance = measure_importance(field, occupancy, CAMERA, frames, generator)
    planes = field.get_parameter(name)
    bands = analyse(planes.detach().numpy().copy())
    assert [b.shape for b in importance[name]] == [b.shape for b in bands]
    noise = 0.02 * np.random.default_rng(0).standard_normal(bands[band].shape).astype(np.float32)
    foretold = float((importance[name][band] * noise**2).sum())
    one = FrameInputs(*(getattr(frames, n)[:1] for n in FrameInputs.__slots__))
    before = render_image(field, occupancy, CAMERA, one, 96)
    bands[band] = bands[band] + noise
    with torch.no_grad():
        planes.copy_(torch.from_numpy(synthesise(bands)))
    after = render_image(field, occupancy, CAMERA, one, 96)
    error = float(((after - before) ** 2).mean())
    # Drawn with fewer samples and at other places, of one frame in place of sixteen.
    assert 0.4 < error / foretold < 2.5


def test_what_no_ray_meets_has_no_importance_and_gradients_stay_off() -> None:
    field, occupancy = solid_field(CONFIG)
    occupancy.occupied[:] = False
    generator = torch.Generator().manual_seed(0)
    importance = measure_importance(field, occupancy, CAMERA, frames_of(4), generator)
    assert not any(band.any() for band in importance["head.static"])
    assert any(band.any() for band in importance["torso.plane"])
    assert not any(p.requires_grad for p in field.parameters())
    assert all(p.grad is None for p in field.parameters())
