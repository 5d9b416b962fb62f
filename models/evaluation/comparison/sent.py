"""A subject's frames as a sender codes them and as pictures: what every system starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.profile import Profile
from models.errors import NoFaceError
from models.evaluation.codecs.coding import Footage, Payload
from models.evaluation.playback import PacketRenderer
from models.evaluation.recording import ClipPart, code_frames
from models.portrait.speaker import Speaker

Picture = NDArray[np.uint8]
Step = Callable[[int], None]
"""Called with how many frames are done."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender sends of some frames.

    Attributes:
        part: the clip and which of its frames were looked at.
        indices: decoded frame numbers from the first face on.
        packets: of the codec.
    """

    part: ClipPart
    indices: tuple[int, ...]
    packets: tuple[bytes, ...]

    @property
    def payload(self) -> Payload:
        """What the packets cost."""
        total_bytes = sum(map(len, self.packets))
        # No frame of ours is larger for being first.
        first_bytes = round(total_bytes / len(self.indices))
        return Payload(total_bytes, first_bytes, len(self.indices), self.part.fps)


def send(
    part: ClipPart, speaker: Speaker, profile: Profile, step: Step = lambda done: None
) -> Sent:
    """Tracks and codes frames; those before the first face are left out for every system.

    Raises:
        ClipError: the clip is damaged.
        NoFaceError: nobody is seen in it.
        SpeakerFileError: the speaker was made with another expression basis.
    """
    indices: list[int] = []
    packets: list[bytes] = []
    done = 0
    for coded in code_frames(part, speaker, profile):
        if coded.packet is not None:
            indices += [frame.index for frame in coded.frames]
            packets.append(coded.packet)
        done += len(coded.frames)
        step(done)
    if not packets:
        raise NoFaceError(f"{part.path}: expected a face, got none in {part.frames} frames")
    return Sent(part, tuple(indices), tuple(packets))


def show_packets(
    speaker: Speaker, packets: Sequence[bytes], side_px: int, device: str
) -> Iterator[Picture]:
    """Yields what a receiver shows of each frame, (side_px, side_px, 3) uint8 RGB.

    Raises:
        SpeakerFileError: the speaker's field is damaged.
        ModelError: the device is not there.
    """
    with PacketRenderer(speaker, side_px, device) as renderer:
        for packet in packets:
            for _, picture in renderer.show(packet):
                yield picture


def store_footage(sent: Sent, speaker: Speaker, side_px: int, path: Path) -> Footage:
    """Writes the portraits of the sent frames to a file, and maps it.

    A minute of 1024x1024 is 4.7 GB: more than the pictures of several codecs can share in
    memory, and every codec passes over them a dozen times.

    Args:
        sent: which frames.
        speaker: whose portrait crop.
        side_px: of the pictures.
        path: of the file, raw RGB; it must outlive the footage.

    Raises:
        ClipError: the clip is damaged.
    """
    wanted = set(sent.indices)
    shape = (len(sent.indices), side_px, side_px, 3)
    pictures = np.memmap(path, np.uint8, "w+", shape=shape)
    chosen = (frame for frame in sent.part.read() if frame.index in wanted)
    for row, frame in enumerate(chosen):
        pictures[row] = speaker.face.crop.extract(frame.rgb, side_px)
    pictures.flush()
    return Footage(pictures, sent.part.fps)
