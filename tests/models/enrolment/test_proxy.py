"""The rough head that training starts from fits the real one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.enrolment.proxy import NECK_CM, ROOM_CM, allowed_cells, head_box, head_proxy
from models.face.camera import rotation_matrix
from models.face.dataset import TrackedDataset
from models.portrait.config import FieldConfig


@pytest.fixture(scope="module")
def proxy(tracked: TrackedDataset) -> torch.Tensor:
    config = FieldConfig()
    return head_proxy(tracked, torch.tensor(config.box_min), torch.tensor(config.box_max))


def test_its_picture_covers_the_face_and_stays_on_the_person(
    tracked: TrackedDataset, proxy: torch.Tensor
) -> None:
    solid = proxy[proxy[:, 3] > 0.5, :3].numpy()
    assert 1000 < len(solid) < len(proxy) / 2
    i = len(tracked) // 2
    in_camera = solid @ rotation_matrix(tracked.poses[i, :3]).T + tracked.poses[i, 3:]
    uv = tracked.face.camera.project(in_camera)
    cells = np.clip((uv * 32).astype(int), 0, 31)
    assert tracked.person is not None
    assert (tracked.person[i][cells[:, 1], cells[:, 0]] > 60).mean() > 0.85
    covered = np.zeros((32, 32), bool)
    covered[cells[:, 1], cells[:, 0]] = True
    face = (tracked.landmarks[i] * 32).astype(int)
    assert covered[face[:, 1], face[:, 0]].mean() > 0.9


def test_allowed_cells_contain_it(proxy: torch.Tensor) -> None:
    allowed = allowed_cells(proxy)
    solid = torch.nn.functional.max_pool3d(proxy[:, 3].reshape(1, 1, 64, 64, 64), 2)[0, 0] > 0.5
    assert allowed[solid].all()
    assert allowed.float().mean() < 0.8


def test_the_box_holds_it_with_room_to_spare(tracked: TrackedDataset) -> None:
    low, high = (torch.tensor(corner) for corner in head_box(tracked))
    proxy = head_proxy(tracked, low, high)
    solid = proxy[proxy[:, 3] > 0.5, :3]
    assert (solid.amin(0) - low >= ROOM_CM / 2).all()
    assert (high - solid.amax(0) >= ROOM_CM / 2).all()
    assert (high - low <= 2 * ROOM_CM + 2.0 + solid.amax(0) - solid.amin(0)).all()


def test_hair_bends_back_from_the_face(tracked: TrackedDataset, proxy: torch.Tensor) -> None:
    solid = proxy[proxy[:, 3] > 0.5, :3].numpy()
    eyes = solid[np.abs(solid[:, 1] - tracked.face.neutral[33, 1]) < 1.0]
    outermost = eyes[eyes[:, 0] > eyes[:, 0].max() - 1.0]
    assert outermost[:, 2].max() < tracked.face.neutral[:, 2].min() + 1.0


def test_shoulders_are_not_the_heads(tracked: TrackedDataset, proxy: torch.Tensor) -> None:
    solid = proxy[proxy[:, 3] > 0.5, :3].numpy()
    face = tracked.face.neutral
    below = solid[solid[:, 1] < face[:, 1].min()]
    assert len(below), "a neck"
    assert below[:, 1].min() >= face[:, 1].min() - NECK_CM
    assert np.ptp(below[:, 0]) < np.ptp(face[:, 0])


def test_masks_that_show_nobody_leave_the_face(tracked: TrackedDataset) -> None:
    assert tracked.person is not None
    nobody = replace(tracked, person=np.zeros_like(tracked.person))
    proxy = head_proxy(nobody, torch.tensor([-15.0] * 3), torch.tensor([15.0] * 3))
    solid = proxy[proxy[:, 3] > 0.5, :3].numpy()
    assert len(solid) > 1000
    assert np.ptp(solid[:, 0]) == pytest.approx(np.ptp(tracked.face.neutral[:, 0]), abs=1.5)
