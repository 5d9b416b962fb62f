"""Which processor learns and draws."""

from __future__ import annotations

import ctypes
import sys
from typing import Literal

from models.errors import ModelError

Device = Literal["cpu", "cuda"]


def choose_device(name: str) -> Device:
    """`auto` is CUDA where there is one, the CPU otherwise.

    Raises:
        ModelError: the device is asked for by name and is not there.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ModelError(f"device: expected auto, cpu or cuda, got {name!r}")
    if name != "cpu" and _has_cuda():
        return "cuda"
    if name == "cuda":
        raise ModelError("device: expected a CUDA device, got a machine without one")
    return "cpu"


def _has_cuda() -> bool:
    # Torch takes two seconds to import: where there is no driver it need not be asked.
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()
