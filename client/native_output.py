"""Keeps what native libraries write past Python off the terminal."""

from __future__ import annotations

import os
import sys

KEEP_VARIABLE = "NERFCALL_NATIVE_LOG"


def quiet_native_output() -> None:
    """Sends file descriptor 2 to nowhere, while `sys.stderr` stays where it was.

    MediaPipe and TensorFlow Lite announce their inner workings on every start, straight to
    descriptor 2 and by no setting of theirs to be stopped; between them a person would not
    find the one line that matters. Set NERFCALL_NATIVE_LOG=1 to see it all.
    """
    if os.environ.get(KEEP_VARIABLE):
        return
    try:
        original = os.dup(2)
    except OSError:  # started without a standard error
        return
    sys.stderr = os.fdopen(original, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
