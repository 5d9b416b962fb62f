"""What a session is made of: the source, the speaker's face for sending, its portrait to draw."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from client.capture import CameraSource, ClipSource, FrameSource
from client.config import SenderConfig
from client.feed import Portrait, PortraitLayer
from client.sender import Analyzer
from client.sound.source import ClipSound, has_sound
from codec.signal import SignalModel
from models.portrait.speaker_layers import BaseLayer, base_layer


@dataclass(frozen=True, slots=True)
class FaceModelParts:
    """What a sender needs of its speaker file.

    Attributes:
        signal: how its numbers are coded.
        make_analyzer: makes the analyzer of its frames.
        base: its base layer; None of a file without layers.
    """

    signal: SignalModel
    make_analyzer: Callable[[], AbstractContextManager[Analyzer]]
    base: BaseLayer | None = None


def open_source(config: SenderConfig) -> FrameSource:
    """Opens the clip or the camera of a sender.

    Raises:
        ClipError: the clip is no usable video.
        CaptureError: the camera cannot be opened.
    """
    if config.clip is not None:
        return ClipSource(config.clip, loop=config.loop)
    return CameraSource(config.camera)


def open_sound(config: SenderConfig, source: FrameSource) -> ClipSound | None:
    """Opens the sound of a sender's clip; None where there is none, or none is wanted.

    Raises:
        ClipError: the clip is no usable video.
    """
    if config.clip is None or not config.sound or not has_sound(config.clip):
        return None
    return ClipSound(config.clip, source, loop=config.loop)


def load_face_model(path: Path, *, closed_loop: bool) -> FaceModelParts:
    """Loads what a sender needs of a speaker file; never imports torch.

    Args:
        path: the speaker file.
        closed_loop: correct what is tracked by what the receiver will draw, as time allows.

    Raises:
        SpeakerFileError: it is damaged or not one.
    """
    # MediaPipe takes a second to import, which a receiver need not wait for.
    from models.portrait.closed_loop.opening import Loop, open_analyzer
    from models.portrait.speaker import load_speaker

    speaker = load_speaker(path)
    base = base_layer(path.read_bytes(), str(path))
    loop = Loop.LIVE if closed_loop else Loop.OPEN
    return FaceModelParts(speaker.signal, lambda: open_analyzer(speaker, loop), base)


def check_device(name: str) -> None:
    """Checks that a device can be rendered on, and loads and compiles what renders.

    Raises:
        ModelError: there is no such device on this machine.
    """
    # Torch's threads spin while they wait for each other, unless told otherwise before torch is
    # loaded. Beside a sender and a browser that made a picture take four times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from models.portrait.renderer import prepare

    prepare(name)


def start_drawing(name: str) -> Future[None]:
    """Checks that there is a device, and begins to load and compile what renders on it.

    That takes a second at every start, and ten at the first, in which a room can be entered.

    Returns:
        Done when it is loaded; before that no portrait should be.

    Raises:
        ModelError: there is no such device on this machine.
    """
    from models.device import choose_device

    choose_device(name)
    with_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")
    loading = with_thread.submit(check_device, name)
    with_thread.shutdown(wait=False)
    return loading


def load_portrait(
    content: bytes, device: str, base_of: str | None = None, name: str = "downloaded speaker file"
) -> Portrait:
    """Loads a speaker file, or a base layer, for rendering.

    Args:
        content: the bytes of the file.
        device: to render on.
        base_of: the speaker, where they hold nothing but its base layer.
        name: what to call it in errors.

    Raises:
        SpeakerFileError: it is damaged or not one.
    """
    # Torch takes seconds to import and is not there at all where only a sender is installed.
    from models.portrait.renderer import PortraitRenderer
    from models.portrait.speaker import parse_base, parse_speaker

    if base_of is not None:
        base = parse_base(content, name)
        renderer = PortraitRenderer(base, device)
        return Portrait(base_of, base.signal, renderer, PortraitLayer.BASE)
    speaker = parse_speaker(content, name)
    return Portrait(speaker.id, speaker.signal, PortraitRenderer(speaker, device))
