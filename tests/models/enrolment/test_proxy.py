"""The rough head that training starts from fits the real one."""

import numpy as np
import pytest
import torch

from models.enrolment.proxy import allowed_cells, head_proxy
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
