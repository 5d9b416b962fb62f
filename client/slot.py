"""The hand-over between two threads that keeps only the newest item."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class NewestSlot(Generic[Item]):
    """A queue of length one that drops the older item, so that a slow consumer never lags.

    Attributes:
        dropped: items that were replaced before anyone took them.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Leaves an item for the consumer, in place of one that was not taken yet."""
        with self._condition:
            if self._item is not None:
                self.dropped += 1
            self._item = item
            self._condition.notify()

    def take(self) -> Item | None:
        """Waits for the next item; None once the slot is closed and empty."""
        with self._condition:
            while self._item is None and not self._closed:
                self._condition.wait()
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Wakes the consumer for good; an item already in the slot can still be taken."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
