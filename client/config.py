"""What a participant of a call can be told: one dataclass for each command."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from codec.profile import Profile
from codec.quality import LIVE_LATENCY_MS

DEFAULT_JITTER_DELAY_MS = 60.0
DEFAULT_SIZE_PX = 256
DEFAULT_SOUND_KBPS = 8.0


@dataclass(frozen=True, slots=True)
class SenderConfig:
    """The sending half of a participant.

    Attributes:
        server_url: http or https address of the signaling server.
        room: name of the room.
        speaker_path: the speaker file of whoever is in front of the camera.
        clip: a video to send; None for the camera.
        camera: number or path of the camera, where there is no clip.
        loop: start the clip over at its end; otherwise its end is the end of the call.
        participant: whose half this is; None for nobody's in particular.
        profile: how the numbers are coded.
        target_kbps: payload to hold; None: as much as the picture gains from.
        latency_ms: how long a frame may wait for those that share its packet.
        closed_loop: correct what is tracked by what the receiver will draw, as time allows.
        sound: send what the clip lets hear.
        sound_kbps: 6 to 24: of Opus while somebody speaks.
        carrier: how packets travel at best: "srtp" or "channel".
        stats: file to write figures of the call to, see `client.stats_file`.
        seconds: end after this time; None for no end.
        token: permits to join; None where the server lets everybody in.
        identity: file of the owner's key; None: the one in the config folder.
        share: give the speaker file to the server, for those who are in the room.
        constant_size: hide how long packets are; takes the carrier "srtp".
    """

    server_url: str
    room: str
    speaker_path: Path
    clip: Path | None = None
    camera: str = "0"
    loop: bool = True
    participant: str | None = None
    profile: Profile = Profile.COMPACT
    target_kbps: float | None = None
    latency_ms: float = LIVE_LATENCY_MS
    closed_loop: bool = True
    sound: bool = True
    sound_kbps: float = DEFAULT_SOUND_KBPS
    carrier: str = "srtp"
    stats: Path | None = None
    seconds: float | None = None
    token: str | None = field(default=None, repr=False)
    identity: Path | None = None
    share: bool = True
    constant_size: bool = False


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """The receiving half of a participant.

    Attributes:
        server_url: http or https address of the signaling server.
        room: name of the room.
        participant: whose half this is; None for nobody's in particular.
        device: where to render: "auto", "cpu", "cuda".
        size: side of the pictures until a viewer asks for another, pixels.
        jitter_delay_ms: least delay of the jitter buffer.
        cache: where speaker files are kept.
        record: file to record the call to, as its packets.
        stats: file to write figures of the call to, see `client.stats_file`.
        seconds: end after this time; None for no end.
        token: permits to join; None where the server lets everybody in.
        identity: file of the watcher's key; None: the one in the config folder.
    """

    server_url: str
    room: str
    participant: str | None = None
    device: str = "auto"
    size: int = DEFAULT_SIZE_PX
    jitter_delay_ms: float = DEFAULT_JITTER_DELAY_MS
    cache: Path | None = None
    record: Path | None = None
    stats: Path | None = None
    seconds: float | None = None
    token: str | None = field(default=None, repr=False)
    identity: Path | None = None


@dataclass(frozen=True, slots=True)
class CallConfig:
    """Both halves of one participant, and its page; both name the same participant.

    Attributes:
        sender: the sending half.
        receiver: the receiving half.
        from_browser: camera and microphone are the browser's.
        join: at once, without waiting for the page.
        page_port: TCP port of the page; 0 for any.
        browser: open the page.
        seconds: end after this time; None for no end.
    """

    sender: SenderConfig
    receiver: ReceiverConfig
    from_browser: bool = False
    join: bool = True
    page_port: int = 0
    browser: bool = False
    seconds: float | None = None
