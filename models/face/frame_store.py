"""Tracked frames on their way to a data set: arrays in memory, or mapped to files.

Mapped, they outlive a process that is killed: the pages belong to the operating system. A slot
is marked as empty before it is overwritten and gets its frame's number last, so that whatever
has a number is whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

INDEX = "index"
DONE = "done"


class FrameStore:
    """Arrays of one entry per slot.

    Args:
        shapes: shape of an entry and its type, by name.
        slots: how many.
        folder: where the arrays' files are, or are to be made; None: in memory only.
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[tuple[int, ...], type[np.generic]]],
        slots: int,
        folder: Path | None = None,
    ) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._arrays = {
            name: self._array(name, (slots, *shape), kind) for name, (shape, kind) in shapes.items()
        }
        # One more than the number, so that an array of zeros is empty.
        self._index = self._array(INDEX, (slots,), np.int64)
        self._done = self._array(DONE, (1,), np.int64)

    @property
    def done(self) -> int:
        """The frame number up to which everything was looked at."""
        return int(self._done[0])

    def __getitem__(self, name: str) -> NDArray[Any]:
        """All entries of a name, those of empty slots included."""
        return self._arrays[name]

    def order(self) -> NDArray[np.intp]:
        """The slots that hold frames, in the order of their frame numbers."""
        return np.argsort(self._index, kind="stable")[np.count_nonzero(self._index == 0) :]

    def indices(self) -> NDArray[np.int64]:
        """The frame numbers, in order."""
        return np.asarray(self._index[self.order()] - 1, np.int64)

    def put(self, slot: int, index: int, entry: Mapping[str, Any]) -> None:
        """Writes a frame into a slot, over whatever it held."""
        self._index[slot] = 0
        for name, values in entry.items():
            self._arrays[name][slot] = values
        self._index[slot] = index + 1

    def finish(self, index: int) -> None:
        """Notes that a frame was looked at and, if wanted, put."""
        self._done[0] = index + 1

    def _array(self, name: str, shape: tuple[int, ...], kind: type[np.generic]) -> NDArray[Any]:
        if self._folder is None:
            return np.zeros(shape, kind)
        file = self._folder / f"{name}.npy"
        if file.is_file():
            found: NDArray[Any] = np.load(file, mmap_mode="r+")
            if found.shape == shape and found.dtype == kind:
                return found
        temporary = file.with_suffix(".part")
        mapped = np.lib.format.open_memmap(temporary, "w+", np.dtype(kind), shape)
        temporary.replace(file)
        return np.asarray(mapped)
