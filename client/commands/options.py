"""Options that several commands share, so that they are called and described alike."""

from __future__ import annotations

import logging
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client.errors import OutputError

if TYPE_CHECKING:
    from codec.profile import Profile

DEFAULT_SERVER = "http://127.0.0.1:8080"
DEFAULT_ROOM = "demo"


class ProfileName(StrEnum):
    """How the numbers are coded."""

    COMPACT = "compact"
    LOSSLESS = "lossless"

    def profile(self) -> Profile:
        """Returns the codec's profile of this name."""
        from codec.profile import Profile

        return Profile[self.name]


class CarrierName(StrEnum):
    """How face packets and sound travel at best."""

    SRTP = "srtp"
    CHANNEL = "channel"


class DeviceName(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


ClipArgument = Annotated[
    Path, typer.Argument(metavar="CLIP", help="A video of one person.", show_default=False)
]
LoopOption = Annotated[
    bool,
    typer.Option(
        "--closed-loop/--open-loop",
        help="Correct what is tracked by what the receiver will draw.",
    ),
]
TargetOption = Annotated[
    float | None,
    typer.Option(
        "--target-kbps",
        min=0.1,
        max=1000.0,
        metavar="KBPS",
        help="Hold this payload, of compact packets, instead of a quality.",
        show_default="as much as the picture gains from",
    ),
]
_LATENCY_HELP = (
    "How long a frame may wait for those that share its packet, eight at most: "
    "the longer, the fewer bits."
)
LatencyOption = Annotated[
    float, typer.Option("--latency-ms", min=0.0, max=1000.0, metavar="MS", help=_LATENCY_HELP)
]
LiveLatencyOption = Annotated[
    float, typer.Option("--latency-ms", min=0.0, max=300.0, metavar="MS", help=_LATENCY_HELP)
]
LoopStepsOption = Annotated[
    int,
    typer.Option(
        "--loop-steps",
        min=1,
        max=16,
        help="Steps of the closed loop on every frame: each takes about 30 ms.",
    ),
]
SpeakerOption = Annotated[
    Path,
    typer.Option(
        "--speaker",
        metavar="SPEAKER",
        help="The speaker file, as nerfcall enroll writes it.",
        show_default=False,
    ),
]
FramesOption = Annotated[
    str,
    typer.Option(
        "--frames",
        metavar="A:B",
        help="Which frames of the clip, as a Python slice of decoded frame numbers.",
        show_default="all",
    ),
]
SizeOption = Annotated[
    int,
    typer.Option("--size", min=16, max=4096, metavar="N", help="Side of the pictures, pixels."),
]
ProfileOption = Annotated[
    ProfileName,
    typer.Option("--profile", help="compact is quantised; lossless keeps fp16, as the paper."),
]
DeviceOption = Annotated[
    DeviceName, typer.Option("--device", help="auto takes CUDA where there is one.")
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Also write the figures to this file."),
]
ServerOption = Annotated[
    str, typer.Option("--server", metavar="URL", help="Address of the signaling server.")
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        metavar="TOKEN",
        envvar="NERFCALL_TOKEN",
        help="Lets you into the room, where the server asks for it: nerfcall token prints one.",
        show_default=False,
    ),
]
IdentityOption = Annotated[
    Path | None,
    typer.Option(
        "--identity",
        metavar="FILE",
        envvar="NERFCALL_IDENTITY",
        help="Your key; made if it is not there.",
        show_default="identity.key in ~/.config/nerfcall",
    ),
]
RoomOption = Annotated[str, typer.Option("--room", metavar="NAME", help="Where the callers meet.")]
SecondsOption = Annotated[
    float | None,
    typer.Option(
        "--seconds", min=0.1, metavar="S", help="End after this time.", show_default="never"
    ),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log what happens on the way.")
]


def check_writable(output: Path) -> None:
    """Finds out before minutes of work whether their result can be written.

    Raises:
        OutputError: it cannot.
    """
    folder = output.absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{output}: expected a place to write, got {error}") from error
    if output.is_dir() or not os.access(folder, os.W_OK):
        kind = "a folder" if output.is_dir() else "a folder that is not ours to write in"
        raise OutputError(f"{output}: expected a place to write, got {kind}")


def log_to_stderr(verbose: bool) -> None:
    """Shows warnings, and with `verbose` every step."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(message)s")
    for name in ("aioice", "aiortc"):  # they log network addresses
        logging.getLogger(name).setLevel(logging.WARNING)
