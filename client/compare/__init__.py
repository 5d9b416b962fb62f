"""One face three ways, live: as it is, as its numbers, and through a classic codec."""
