"""Planes in eight bits come back within half a step of their channel's range."""

import numpy as np
import pytest

from models.errors import SpeakerFileError
from models.portrait.storage import pack, unpack


def test_every_channel_keeps_its_own_range() -> None:
    rng = np.random.default_rng(0)
    planes = rng.standard_normal((2, 3, 9, 9)).astype(np.float32) * np.array(
        [0.01, 1.0, 50.0], np.float32
    ).reshape(3, 1, 1)
    back = unpack(pack("p", planes), "p")
    span = planes.max((-2, -1)) - planes.min((-2, -1))
    assert (np.abs(back - planes).max((-2, -1)) <= span / 255 * 0.51).all()


def test_a_constant_channel_survives() -> None:
    planes = np.full((1, 1, 4, 4), 3.5, np.float32)
    assert np.allclose(unpack(pack("p", planes), "p"), planes)


@pytest.mark.parametrize("broken", ["missing", "shape", "type"])
def test_parts_that_do_not_fit_are_refused(broken: str) -> None:
    tensors = pack("p", np.zeros((3, 2, 5, 5), np.float32))
    if broken == "missing":
        del tensors["p.range"]
    elif broken == "shape":
        tensors["p.range"] = tensors["p.range"][:1]
    else:
        tensors["p.u8"] = tensors["p.u8"].astype(np.int32)
    with pytest.raises(SpeakerFileError, match="expected"):
        unpack(tensors, "p")
