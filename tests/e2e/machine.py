"""How fast this machine is, so that a promise in seconds means the same on every machine."""

from __future__ import annotations

import subprocess
import sys
import time

PROBE = "import mediapipe, aiortc, cv2"
REFERENCE_S = 1.3
"""What the probe takes on the two cores of docs/quality.md with nothing beside it."""


def slowness() -> float:
    """How many times longer than on the reference machine a start takes here; at least 1."""
    took_s = []
    for _ in range(2):  # the first may read the disk
        started_s = time.monotonic()
        subprocess.run([sys.executable, "-c", PROBE], check=True, capture_output=True)
        took_s.append(time.monotonic() - started_s)
    return max(1.0, min(took_s) / REFERENCE_S)
