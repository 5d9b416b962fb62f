"""Faults inside: whatever breaks in one part, the call is told of it and goes on."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import time
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from client.config import ReceiverConfig, SenderConfig
from client.errors import SpeakerTransferError
from client.feed import Portrait
from client.parts import FaceModelParts
from client.sender import Analyzer
from client.session import receive_with, send_from
from codec.face import FaceState
from models.clip import Frame
from models.errors import SpeakerFileError
from models.portrait.speaker import load_speaker, save_speaker
from tests.client.doubles import (
    SIGNAL,
    GrayRenderer,
    LevelAnalyzer,
    Page,
    StubAnalysis,
    TickingSource,
    until,
)
from tests.client.test_session import (
    advances,
    is_live,
    receiver,
    running,
    sender,
    speaker_path,
    start_server,
    url,
    url_of,
)
from tests.fuzzing.small_speaker import small_speaker

__all__ = ["speaker_path", "url"]  # fixtures


class StallingAnalyzer(LevelAnalyzer):
    """A tracker that hangs for a while."""

    def __init__(self) -> None:
        self.stalls_s = [1.5]

    def analyze(self, frame: Frame) -> StubAnalysis:
        if frame.pts_ms > 1000 and self.stalls_s:
            time.sleep(self.stalls_s.pop())
        return super().analyze(frame)


async def test_a_tracker_that_stalls_holds_the_pose_and_then_skips_what_it_missed(
    url: str, speaker_path: Path, tmp_path: Path
) -> None:
    config = SenderConfig(url, "room", speaker_path)

    def make() -> AbstractContextManager[Analyzer]:
        return StallingAnalyzer()

    async with running(receiver(url, tmp_path)), Page(url, "room") as page:
        await until(lambda: page.stats)
        parts = FaceModelParts(SIGNAL, make)
        async with running(send_from(config, TickingSource(), parts)) as sending:
            await until(lambda: is_live(page))
            await until(lambda: page.stats[-1]["state"] == "held")
            await until(lambda: is_live(page) and advances(page))
            assert not sending.done()
            await asyncio.sleep(1.0)
            known = [
                (page.frames[stamp], at) for stamp, _, at in page.grays if stamp in page.frames
            ]
            late_ms = [at - captured for (_, captured), at in known[-25:] if captured is not None]
            assert min(late_ms) < 1000, "nothing that waited is shown late"


class ExhaustedRenderer(GrayRenderer):
    """A renderer whose memory is gone for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 20

    def render(self, state: FaceState, size: int) -> np.ndarray:
        if self.failures > 0:
            self.failures -= 1
            raise MemoryError("out of memory")
        return super().render(state, size)


async def test_a_renderer_out_of_memory_is_counted_and_draws_when_it_can(
    url: str, speaker_path: Path, tmp_path: Path
) -> None:
    def load(content: bytes, base_of: str | None = None) -> Portrait:
        speaker = base_of or hashlib.sha256(content).hexdigest()
        return Portrait(speaker, SIGNAL, ExhaustedRenderer())

    config = ReceiverConfig(url, "room", size=64, cache=tmp_path / "cache")
    async with (
        running(receive_with(config, load)),
        running(sender(url, speaker_path)),
        Page(url, "room") as page,
    ):
        await until(lambda: is_live(page) and advances(page))
        # Figures come twice a second.
        await until(lambda: page.stats[-1]["packets_dropped"] == {"MemoryError": 20})


async def test_a_wall_clock_that_steps_does_not_stop_the_picture(
    url: str, speaker_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step_ms = [0.0]
    monkeypatch.setattr("client.sender.unix_ms", lambda: time.time() * 1000.0 + step_ms[0])
    monkeypatch.setattr("client.speaker_peers.unix_ms", lambda: time.time() * 1000.0 + step_ms[0])
    async with (
        running(receiver(url, tmp_path)),
        running(sender(url, speaker_path)),
        Page(url, "room") as page,
    ):
        await until(lambda: is_live(page) and advances(page))
        for step_ms[0] in (3_600_000.0, -3_600_000.0):
            await asyncio.sleep(1.0)
            assert is_live(page) and advances(page)
            assert page.stats[-1]["frames_lost"] == 0


async def test_a_server_whose_disk_is_full_says_so_to_the_sender(
    speaker_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    server = await start_server(tmp_path)
    monkeypatch.setattr("server.store.os.fsync", full)
    with pytest.raises(SpeakerTransferError, match="got status 507"):
        await sender(url_of(server), speaker_path)
    await server.close()


def test_a_disk_that_is_full_at_the_end_of_an_enrolment_leaves_the_file_of_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.speaker"
    path.write_bytes(small_speaker())
    before = load_speaker(path)
    write = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        write(self, data[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_speaker(path, before.face, before.field_config, before.tensors, before.signal, {})
    assert load_speaker(path).id == before.id
    with pytest.raises(SpeakerFileError):
        load_speaker(path.with_name(path.name + ".part"))  # nobody takes half a file for one
