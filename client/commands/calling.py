"""The live commands: `call`, `send`, `receive`."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode, urlsplit

import typer

from client.commands.consent import Share, may_leave
from client.commands.options import (
    DEFAULT_ROOM,
    DEFAULT_SERVER,
    CarrierName,
    DeviceName,
    DeviceOption,
    IdentityOption,
    LiveLatencyOption,
    LoopOption,
    ProfileName,
    ProfileOption,
    RoomOption,
    SecondsOption,
    ServerOption,
    SpeakerOption,
    TargetOption,
    TokenOption,
    VerboseOption,
    check_writable,
    log_to_stderr,
)
from codec.quality import LIVE_LATENCY_MS

if TYPE_CHECKING:
    from client.config import ReceiverConfig, SenderConfig

MIN_SIZE_PX, MAX_SIZE_PX = 64, 1024
DEFAULT_SIZE_PX = 256
DEFAULT_DELAY_MS = 60.0
DEFAULT_SOUND_KBPS = 8.0

ClipOption = Annotated[
    Path | None,
    typer.Option("--clip", metavar="CLIP", help="Send this video in place of a camera."),
]
CameraOption = Annotated[
    str,
    typer.Option("--camera", metavar="N", help="Number or path of the camera, without --clip."),
]
OwnCameraOption = Annotated[
    str | None,
    typer.Option(
        "--camera",
        metavar="N",
        help="Number or path of a camera that this program opens itself.",
        show_default="the browser's",
    ),
]
PagePortOption = Annotated[
    int, typer.Option("--page-port", min=0, max=65535, metavar="P", help="Of the page; 0: any.")
]
BrowserOption = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the page, where there is a display.")
]
JoinOption = Annotated[
    bool | None,
    typer.Option(
        "--join/--lobby",
        help="Begin at once, or wait for Join on the page.",
        show_default="at once with --clip or --camera",
    ),
]
OnceOption = Annotated[
    bool, typer.Option("--once", help="End with the clip instead of starting it over.")
]
ParticipantOption = Annotated[
    str | None,
    typer.Option(
        "--participant",
        metavar="NAME",
        help="Whose half this is; nobody is shown themselves.",
        show_default="nobody's",
    ),
]
SoundOption = Annotated[
    bool, typer.Option("--sound/--mute", help="Send what the clip lets hear, if anything.")
]
SoundRateOption = Annotated[
    float,
    typer.Option(
        "--sound-kbps",
        min=6.0,
        max=24.0,
        metavar="KBPS",
        help="Of Opus while somebody speaks; from 12 on voices sound fuller.",
    ),
]
CarrierOption = Annotated[
    CarrierName,
    typer.Option(
        "--carrier",
        help="How packets travel: one SRTP stream where the other end can, or data channels.",
    ),
]
ConstantSizeOption = Annotated[
    bool,
    typer.Option(
        "--constant-size",
        help="Hide from whoever listens on the way how long packets are, which tells what is said.",
    ),
]
ShareOption = Annotated[
    Share,
    typer.Option(
        "--share",
        help="Whether your speaker file may go to the server, for those who are in the room.",
    ),
]
StatsOption = Annotated[
    Path | None,
    typer.Option(
        "--stats",
        metavar="FILE",
        help="Write the call's figures there, twice a second a line of JSON.",
    ),
]
RecordOption = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="FILE",
        help="Record what is received, as its packets; nerfcall replay FILE shows it again.",
    ),
]
LiveSizeOption = Annotated[
    int,
    typer.Option(
        "--size",
        min=MIN_SIZE_PX,
        max=MAX_SIZE_PX,
        metavar="N",
        help="Side of the pictures, pixels, until a viewer asks for another.",
    ),
]
DelayOption = Annotated[
    float,
    typer.Option(
        "--jitter-delay-ms",
        min=0.0,
        max=5000.0,
        metavar="MS",
        help="Least delay that evens out late packets.",
    ),
]


def send(
    speaker: SpeakerOption,
    clip: ClipOption = None,
    camera: CameraOption = "0",
    once: OnceOption = False,
    server: ServerOption = DEFAULT_SERVER,
    room: RoomOption = DEFAULT_ROOM,
    participant: ParticipantOption = None,
    profile: ProfileOption = ProfileName.COMPACT,
    target_kbps: TargetOption = None,
    latency_ms: LiveLatencyOption = LIVE_LATENCY_MS,
    closed_loop: LoopOption = True,
    sound: SoundOption = True,
    sound_kbps: SoundRateOption = DEFAULT_SOUND_KBPS,
    carrier: CarrierOption = CarrierName.SRTP,
    stats: StatsOption = None,
    seconds: SecondsOption = None,
    token: TokenOption = None,
    identity: IdentityOption = None,
    share: ShareOption = Share.ASK,
    constant_size: ConstantSizeOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Send a face: track it in a camera or clip and send its numbers to the room's receivers.

    The speaker file is uploaded to the server once. Needs no torch. Waits for a server that is
    not up yet; Ctrl-C ends it.
    """
    from client.session import run_sender

    log_to_stderr(verbose)
    config = _sender_config(
        *(speaker, clip, camera, once, server, room, participant),
        *(profile, target_kbps, latency_ms, closed_loop),
        *(sound, carrier, stats, seconds),
        *(token, identity, may_leave(share, speaker.name, server, room), constant_size),
        sound_kbps=sound_kbps,
    )
    run_sender(config)


def receive(
    server: ServerOption = DEFAULT_SERVER,
    room: RoomOption = DEFAULT_ROOM,
    participant: ParticipantOption = None,
    device: DeviceOption = DeviceName.AUTO,
    size: LiveSizeOption = DEFAULT_SIZE_PX,
    jitter_delay_ms: DelayOption = DEFAULT_DELAY_MS,
    stats: StatsOption = None,
    record: RecordOption = None,
    seconds: SecondsOption = None,
    token: TokenOption = None,
    identity: IdentityOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Receive a face: render the room's speaker as a video for the browsers that watch.

    The speaker file is fetched from the server once and kept. Ctrl-C ends it.
    """
    from client.session import run_receiver

    log_to_stderr(verbose)
    config = _receiver_config(
        *(server, room, participant, device, size, jitter_delay_ms, stats, record, seconds),
        *(token, identity),
    )
    typer.echo(f"watch at {page_address(server, room, participant, token)}")
    run_receiver(config)


def call(
    speaker: SpeakerOption,
    clip: ClipOption = None,
    camera: OwnCameraOption = None,
    once: OnceOption = False,
    server: ServerOption = DEFAULT_SERVER,
    room: RoomOption = DEFAULT_ROOM,
    page_port: PagePortOption = 0,
    browser: BrowserOption = True,
    join: JoinOption = None,
    participant: Annotated[
        str | None,
        typer.Option(
            "--participant",
            metavar="NAME",
            help="Your name in the call; everybody needs another one.",
            show_default="your user name and the process number",
        ),
    ] = None,
    profile: ProfileOption = ProfileName.COMPACT,
    target_kbps: TargetOption = None,
    latency_ms: LiveLatencyOption = LIVE_LATENCY_MS,
    closed_loop: LoopOption = True,
    sound: SoundOption = True,
    sound_kbps: SoundRateOption = DEFAULT_SOUND_KBPS,
    carrier: CarrierOption = CarrierName.SRTP,
    device: DeviceOption = DeviceName.AUTO,
    size: LiveSizeOption = DEFAULT_SIZE_PX,
    jitter_delay_ms: DelayOption = DEFAULT_DELAY_MS,
    record: RecordOption = None,
    seconds: SecondsOption = None,
    token: TokenOption = None,
    identity: IdentityOption = None,
    share: ShareOption = Share.ASK,
    constant_size: ConstantSizeOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Take part in a call: send your face, and see the other one on a page of this machine.

    Prints the address of the page, and opens it. Camera and microphone are the browser's, unless
    --clip or --camera names another source: then the call begins at once. Both callers run this
    against one server, in one room. Ctrl-C ends it.
    """
    from client.call_page.run import run_call
    from client.config import CallConfig

    log_to_stderr(verbose)
    name = participant or f"{_user()}-{os.getpid()}"
    from_browser = clip is None and camera is None
    at_once = not from_browser if join is None else join
    # In the lobby Join is the answer to what is asked here otherwise; the page says so.
    shares = may_leave(share, speaker.name, server, room) if at_once else share is not Share.NEVER
    sender = _sender_config(
        *(speaker, clip, camera or "0", once, server, room, name),
        *(profile, target_kbps, latency_ms, closed_loop),
        *(sound, carrier, None, None),
        *(token, identity, shares, constant_size),
        sound_kbps=sound_kbps,
    )
    receiver = _receiver_config(
        *(server, room, name, device, size, jitter_delay_ms, None, record, None),
        *(token, identity),
    )
    typer.echo(f"watch at {page_address(server, room, name, token)}")
    run_call(CallConfig(sender, receiver, from_browser, at_once, page_port, browser, seconds), _say)


def _say(text: str) -> None:
    print(text, flush=True)


def page_address(server: str, room: str, participant: str | None, token: str | None = None) -> str:
    """Returns where a browser sees what a receiver renders.

    A token stands behind the #, which browsers keep to themselves: no server logs it.
    """
    query = {"room": room} | ({} if participant is None else {"participant": participant})
    fragment = "" if token is None else f"#{urlencode({'token': token})}"
    return f"{server.rstrip('/')}/?{urlencode(query)}{fragment}"


def _sender_config(
    speaker: Path,
    clip: Path | None,
    camera: str,
    once: bool,
    server: str,
    room: str,
    participant: str | None,
    profile: ProfileName,
    target_kbps: float | None,
    latency_ms: float,
    closed_loop: bool,
    sound: bool,
    carrier: CarrierName,
    stats: Path | None,
    seconds: float | None,
    token: str | None,
    identity: Path | None,
    share: bool,
    constant_size: bool,
    *,
    sound_kbps: float,
) -> SenderConfig:
    from client.config import SenderConfig

    if constant_size and carrier is not CarrierName.SRTP:
        raise typer.BadParameter(
            f"expected --carrier srtp, got {carrier.value}", param_hint="--constant-size"
        )

    return SenderConfig(
        server_url=_checked_url(server),
        room=room,
        speaker_path=speaker,
        clip=clip,
        camera=camera,
        loop=not once,
        participant=participant,
        profile=profile.profile(),
        target_kbps=target_kbps,
        latency_ms=latency_ms,
        closed_loop=closed_loop,
        sound=sound,
        sound_kbps=sound_kbps,
        carrier=carrier.value,
        stats=stats,
        seconds=seconds,
        token=token,
        identity=identity,
        share=share,
        constant_size=constant_size,
    )


def _receiver_config(
    server: str,
    room: str,
    participant: str | None,
    device: DeviceName,
    size: int,
    jitter_delay_ms: float,
    stats: Path | None,
    record: Path | None,
    seconds: float | None,
    token: str | None,
    identity: Path | None,
) -> ReceiverConfig:
    from client.config import ReceiverConfig

    if record is not None:
        check_writable(record)
    return ReceiverConfig(
        server_url=_checked_url(server),
        room=room,
        participant=participant,
        device=device,
        size=size,
        jitter_delay_ms=jitter_delay_ms,
        stats=stats,
        record=record,
        seconds=seconds,
        token=token,
        identity=identity,
    )


def _checked_url(server: str) -> str:
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise typer.BadParameter(
            f"expected http://HOST:PORT, got {server!r}", param_hint="--server"
        )
    return server


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user: a container's arbitrary number
        return "caller"
