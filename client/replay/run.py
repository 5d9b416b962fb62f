"""From a recorded call and its speaker to the page that shows it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from client.errors import MissingSpeakerError
from client.feed import Portrait
from client.local_page import serve
from client.replay.app import ReplayApp, ReplayedCall
from client.replay.player import CallPlayer
from client.replay.soundtrack import write_soundtrack
from client.replay.timeline import lay_out
from client.speaker_cache import SpeakerCache, cache_dir
from client.speaker_files import SpeakerFiles, read_speaker_file
from codec.container import CallReader


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    """How a recorded call is shown.

    Attributes:
        call: the recording.
        speaker: the speaker file; None: the one that is cached, or that a server has.
        server_url: where to fetch the speaker file, if it is not here; None: nowhere.
        port: TCP port of the page; 0 for any.
        browser: open the page.
        from_s: where to begin, seconds.
        seconds: end after this time; None for no end.
    """

    call: Path
    speaker: Path | None
    server_url: str | None
    port: int
    browser: bool
    from_s: float
    seconds: float | None


async def replay(
    config: ReplayConfig, load: Callable[[bytes, str], Portrait], say: Callable[[str], None]
) -> None:
    """Shows a recorded call until it is told to stop.

    Args:
        config: which and how.
        load: makes a portrait of a speaker file's bytes and its name.
        say: tells the user something.

    Raises:
        ContainerError: the recording is damaged, of another speaker, or has nothing to show.
        NerfcallError: the speaker file is not there or damaged, or the port is taken.
    """
    reader = CallReader(config.call)
    timeline = lay_out(reader.records())
    portrait = load(*await _speaker_file(config, reader.speaker_id))
    try:
        # The file says whose face it is; so does every key packet in it.
        reader.check_speaker(portrait.speaker)
        fps = float(reader.fps)
        player = CallPlayer(timeline, portrait.speaker, portrait.signal, portrait.renderer, fps)
        with tempfile.TemporaryDirectory(prefix="nerfcall-replay-") as folder:
            soundtrack = Path(folder) / "sound.webm"
            write_soundtrack(soundtrack, timeline.sounds, player.duration_ms)
            call = ReplayedCall(
                name=config.call.name,
                speaker=reader.speaker_id,
                fps=fps,
                start_unix_ms=reader.start_unix_ms,
                from_ms=min(config.from_s * 1000.0, player.duration_ms),
                soundtrack=soundtrack,
                has_sound=bool(timeline.sounds),
                is_cut=not reader.finished,
                damaged_blocks=reader.damaged_blocks,
            )
            app = ReplayApp(call, player)
            try:
                await serve(
                    app.build(),
                    config.port,
                    lambda address: say(f"replay: {address}\nCtrl-C ends it."),
                    browser=config.browser,
                    seconds=config.seconds,
                )
            finally:
                app.close()
    finally:
        portrait.renderer.close()


async def _speaker_file(config: ReplayConfig, speaker: str) -> tuple[bytes, str]:
    """Finds the file of a speaker: named, cached, or on a server; its bytes and what to call it.

    Raises:
        MissingSpeakerError: it is nowhere.
        SpeakerTransferError: the server does not have it.
    """
    if config.speaker is not None:
        path = config.speaker
        return await asyncio.to_thread(read_speaker_file, path), str(path)
    name = f"the cached file of speaker {speaker[:12]}…"
    async with aiohttp.ClientSession() as http:
        files = SpeakerFiles(http, config.server_url or "", SpeakerCache())
        content = await files.cached(speaker)
        if content is not None:
            return content, name
        if config.server_url is None:
            raise MissingSpeakerError(
                f"expected the file of speaker {speaker[:12]}… in {cache_dir()}, got none; "
                "name it (--speaker) or a server that has it (--server)"
            )
        return await files.finish(await files.download(speaker)), name
