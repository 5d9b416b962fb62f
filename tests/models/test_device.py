"""Devices by name."""

from __future__ import annotations

import pytest
import torch

from models.device import choose_device
from models.errors import ModelError


def test_devices_are_chosen_by_name() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ModelError, match="expected auto, cpu or cuda, got 'tpu'"):
        choose_device("tpu")
