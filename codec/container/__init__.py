"""A recorded call as a file, `.nerfcall`: what was received, when, and whose face it is.

`header`, `blocks` and `index` know the bytes, `writer` writes them so that a file cut off anywhere
still opens, and `reader` finds its way in them. The format is in docs/recording.md.
"""

from codec.container.blocks import PortraitRecord, SoundRecord
from codec.container.reader import CallReader
from codec.container.writer import CallWriter

__all__ = ["CallReader", "CallWriter", "PortraitRecord", "SoundRecord"]
