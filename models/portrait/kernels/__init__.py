"""Drawing a frame on a CPU in tens of milliseconds: the field's fast path."""
