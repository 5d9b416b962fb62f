"""Whether this machine lets us make network namespaces."""

from __future__ import annotations

import pytest

from client.emulation.namespaces import LinkedNamespaces
from client.emulation.path import LinkShape
from client.errors import EmulationError


def need_namespaces(shape: LinkShape | None = None) -> None:
    """Skips a test where the kernel refuses, and says what it refused."""
    try:
        with LinkedNamespaces(LinkShape() if shape is None else shape):
            pass
    except EmulationError as error:
        pytest.skip(str(error))
