"""A clip becomes a recorded call: the sender's chain, as fast as it goes. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codec.container import CallWriter
from codec.encoder import RECORDED, Encoder, EncoderConfig
from codec.face import FaceState
from codec.profile import Profile
from codec.quality import RECORDED_LATENCY_MS
from codec.sensitivity import Sensitivity
from models.clip import Frame, probe_clip, read_clip
from models.errors import ClipError, NoFaceError
from models.portrait.closed_loop.config import UNHURRIED_STEPS
from models.portrait.closed_loop.opening import Loop, open_analyzer
from models.portrait.speaker import Speaker

MAX_INTERVAL_MS = 999.0
"""The longest frame interval that an encoder starts from; it measures the true one anyway."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how many frames are done, of how many)."""


@dataclass(frozen=True, slots=True)
class ClipPart:
    """The frames of a clip that are meant.

    Attributes:
        path: the clip.
        frames: how many, as the container counts.
        fps: of those, the step counted in.
        chosen: which decoded frame numbers.
    """

    path: Path
    frames: int
    fps: Fraction
    chosen: slice

    @classmethod
    def of(cls, path: Path, chosen: slice) -> ClipPart:
        """Looks a clip up.

        Raises:
            ClipError: the clip is no usable video, or has none of these frames.
        """
        info = probe_clip(path)
        numbers = range(*chosen.indices(info.frames))
        if not numbers:
            wanted = f"{chosen.start or 0}:{'' if chosen.stop is None else chosen.stop}"
            raise ClipError(f"{path}: expected frames within {wanted}, got {info.frames} in all")
        return cls(path, len(numbers), info.fps / numbers.step, chosen)

    def read(self) -> Iterator[Frame]:
        """Yields the frames, their times counted from the first of them.

        Raises:
            ClipError: the clip is damaged.
        """
        first_ms: int | None = None
        for frame in read_clip(self.path, self.chosen):
            first_ms = frame.pts_ms if first_ms is None else first_ms
            yield Frame(frame.rgb, frame.index, frame.pts_ms - first_ms)


@dataclass(frozen=True, slots=True)
class CodedFrame:
    """One frame and what a sender makes of it.

    Attributes:
        index: decoded frame number in the clip.
        portrait: (size, size, 3) uint8 the clip's portrait crop, if asked for.
        state: what the sender measured; None before the first face.
        sensitivity: of its picture, where the closed loop looked at it.
    """

    index: int
    portrait: NDArray[np.uint8] | None
    state: FaceState | None
    sensitivity: Sensitivity | None = None


@dataclass(frozen=True, slots=True)
class CodedFrames:
    """What a sender sends at once.

    Attributes:
        frames: that the packet holds.
        packet: None of a frame before the first face.
    """

    frames: tuple[CodedFrame, ...]
    packet: bytes | None


@dataclass(frozen=True, slots=True)
class Recording:
    """What a recorded call holds.

    Attributes:
        frames: how many.
        faceless: frames before the first face, for which nothing is sent.
        payload_bytes: of all packets.
        fps: frames a second.
    """

    frames: int
    faceless: int
    payload_bytes: int
    fps: Fraction

    @property
    def payload_kbps(self) -> float:
        """Kilobits a second of packets, at the clip's own pace."""
        return self.payload_bytes * 8.0 * float(self.fps) / max(1, self.frames) / 1000.0


def code_frames(
    part: ClipPart,
    speaker: Speaker,
    profile: Profile = Profile.COMPACT,
    portrait_size: int | None = None,
    loop: Loop = Loop.EVERY,
    loop_steps: int = UNHURRIED_STEPS,
    config: EncoderConfig | None = None,
) -> Iterator[CodedFrames]:
    """Tracks and codes frames, as a sender does; every frame is told of once, in order.

    Args:
        part: which frames.
        speaker: who is in them.
        profile: how the numbers are coded.
        portrait_size: side in pixels of `CodedFrame.portrait`; None: no portraits.
        loop: how the sender's closed loop works.
        loop_steps: its steps on a frame.
        config: how frames become packets; None: as in a call.

    Raises:
        ClipError: the clip is damaged.
        SpeakerFileError: the speaker was made with another expression basis.
    """
    interval_ms = min(1000.0 / float(part.fps), MAX_INTERVAL_MS)
    config = replace(config or EncoderConfig(), frame_interval_ms=interval_ms)
    encoder = Encoder(speaker.id, speaker.signal, profile, config)
    with open_analyzer(speaker, loop, portrait_size, loop_steps) as analyzer:
        waiting: list[CodedFrame] = []
        for frame in part.read():
            analysis = analyzer.analyze(frame)
            coded = CodedFrame(frame.index, analysis.portrait, analysis.state, analysis.sensitivity)
            if analysis.state is None:
                yield CodedFrames((coded,), None)
                continue
            packet = encoder.encode(analysis.state, analysis.sensitivity)
            waiting.append(coded)
            if packet is not None:
                held = len(waiting) - encoder.waiting
                yield CodedFrames(tuple(waiting[:held]), packet)
                del waiting[:held]
        packet = encoder.flush()
        if packet is not None:
            yield CodedFrames(tuple(waiting), packet)


def record_clip(
    part: ClipPart,
    output: Path,
    speaker: Speaker,
    profile: Profile = Profile.COMPACT,
    progress: Progress = lambda what, done, total: None,
    loop: Loop = Loop.EVERY,
    loop_steps: int = UNHURRIED_STEPS,
    target_kbps: float | None = None,
    latency_ms: float = RECORDED_LATENCY_MS,
) -> Recording:
    """Writes a recorded call, in one piece or not at all.

    Args:
        part: which frames.
        output: the file.
        speaker: who is in them.
        profile: how the numbers are coded.
        progress: is told.
        loop: how the sender's closed loop works.
        loop_steps: its steps on a frame.
        target_kbps: payload to hold; None: as much as the picture gains from.
        latency_ms: how long a frame may wait for those that share its packet.

    Raises:
        ClipError: the clip is damaged.
        NoFaceError: nobody is seen in it.
        ContainerError: the file cannot be written.
        SpeakerFileError: the speaker was made with another expression basis.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(output.name + ".part")
    payload_bytes = faceless = 0
    try:
        with CallWriter(temporary, speaker.id, profile, part.fps) as writer:
            coding = code_frames(
                part,
                speaker,
                profile,
                loop=loop,
                loop_steps=loop_steps,
                config=replace(RECORDED, latency_ms=latency_ms, target_kbps=target_kbps),
            )
            for coded in coding:
                if coded.packet is None:
                    faceless += 1
                else:
                    writer.write(coded.packet, len(coded.frames))
                    payload_bytes += len(coded.packet)
                progress("encoding", writer.frames + faceless, part.frames)
            frames = writer.frames
        if not frames:
            raise NoFaceError(f"{part.path}: expected a face, got none in {faceless} frames")
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
    return Recording(frames, faceless, payload_bytes, part.fps)
