from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from models.portrait.closed_loop.config import LoopConfig
from models.portrait.closed_loop.loop import ClosedLoop
from models.portrait.config import FieldConfig
from models.portrait.kernels.linearizer import KernelLinearizer
from models.portrait.kernels.painter import KernelPainter
from models.portrait.restore import field_weights
from models.portrait.weights import FieldWeights
from tests.models.portrait.solid_speaker import CAMERA, solid_field

SIZE = 128
TORSO_SPREAD = np.full(6, 0.02, np.float32)


@pytest.fixture(scope="session")
def weights() -> FieldWeights:
    return field_weights(*solid_field(FieldConfig()))


@pytest.fixture(scope="session")
def painter(weights: FieldWeights) -> Iterator[KernelPainter]:
    with KernelPainter(weights, CAMERA) as painter:
        yield painter


@pytest.fixture(scope="session")
def linearizer(weights: FieldWeights) -> Iterator[KernelLinearizer]:
    with closing(KernelLinearizer(weights, CAMERA, SIZE, 2000)) as linearizer:
        yield linearizer


@pytest.fixture
def loop(weights: FieldWeights) -> Iterator[ClosedLoop]:
    torso = np.zeros((96, 96), np.uint8)
    torso[60:] = 255
    spread = np.full(30, 0.5, np.float32)
    loop = ClosedLoop(
        weights, CAMERA, spread, torso, TORSO_SPREAD, LoopConfig(size=SIZE, pixels=1500)
    )
    yield loop
    loop.close()
