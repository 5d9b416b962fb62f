"""Recording, playing and evaluating a call of a real face, from its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from codec.container import CallReader, CallWriter
from codec.decoder import Decoder
from codec.errors import ContainerError
from codec.face import Tracking
from codec.profile import Profile
from models.clip import read_clip
from models.errors import ClipError, ModelError, NoFaceError
from models.evaluation.coding_loss import measure_coding_loss
from models.evaluation.evaluate import Comparison, Evaluation, evaluate
from models.evaluation.metrics import psnr_db
from models.evaluation.pictures import PictureFolder, VideoFile, open_sink
from models.evaluation.playback import PacketRenderer, play_call
from models.evaluation.recording import ClipPart, code_frames, record_clip
from models.evaluation.report import Thumbnails, write_report
from models.evaluation.tracking_speed import measure_sender
from models.evaluation.worst_frames import WorstFrames
from models.portrait.closed_loop.opening import Loop
from models.portrait.renderer import PortraitRenderer
from models.portrait.speaker import Speaker, load_speaker
from tests.models.clips import grey_frames, write_clip

SIZE = 64
FRAMES = slice(20, 32)


@pytest.fixture(scope="module")
def speaker(real_speaker: Path) -> Speaker:
    return load_speaker(real_speaker)


@pytest.fixture
def renderer(speaker: Speaker) -> Iterator[PacketRenderer]:
    with PacketRenderer(speaker, SIZE) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def part(talking_clip: Path) -> ClipPart:
    return ClipPart.of(talking_clip, FRAMES)


@pytest.fixture(scope="module")
def call(part: ClipPart, speaker: Speaker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("call") / "a.call"
    record_clip(part, path, speaker)
    return path


@pytest.fixture(scope="module")
def shown() -> list[Comparison]:
    """What an observer of the evaluation below is shown, once that has run."""
    return []


@pytest.fixture(scope="module")
def thumbnails(part: ClipPart) -> Thumbnails:
    return Thumbnails(part.frames, wanted=3)


@pytest.fixture(scope="module")
def evaluation(
    part: ClipPart,
    speaker: Speaker,
    weights_dir: Path,
    shown: list[Comparison],
    thumbnails: Thumbnails,
) -> Evaluation:
    def observe(comparison: Comparison) -> None:
        shown.append(comparison)
        thumbnails.observe(comparison)

    return evaluate(part, speaker, weights_dir, SIZE, vgg_every=6, observe=observe)


def test_a_part_of_a_clip_counts_its_time_from_its_first_frame(part: ClipPart) -> None:
    assert (part.frames, part.fps) == (12, 24)
    frames = list(part.read())
    assert [frame.index for frame in frames] == list(range(20, 32))
    assert [frame.pts_ms for frame in frames[:4]] == [0, 42, 84, 125]


def test_every_second_frame_is_half_the_frame_rate(talking_clip: Path) -> None:
    part = ClipPart.of(talking_clip, slice(0, 20, 2))
    assert (part.frames, part.fps) == (10, 12)


def test_frames_beyond_the_end_are_refused(talking_clip: Path) -> None:
    with pytest.raises(ClipError, match="expected frames within 500:600, got 240 in all"):
        ClipPart.of(talking_clip, slice(500, 600))


def test_a_recorded_call_holds_the_packets_of_all_frames(
    part: ClipPart, speaker: Speaker, tmp_path: Path
) -> None:
    seen: list[tuple[str, int, int]] = []
    path = tmp_path / "a.call"
    recording = record_clip(part, path, speaker, progress=lambda *step: seen.append(step))
    call = CallReader(path, speaker.id)
    packets = list(call)
    assert call.fps == 24 and call.profile is Profile.COMPACT
    assert (len(packets), call.frames) == (2, 12)
    assert (recording.frames, recording.faceless) == (12, 0)
    assert recording.payload_bytes == sum(map(len, packets))
    assert recording.payload_kbps == pytest.approx(recording.payload_bytes * 8 / 0.5 / 1000)
    assert seen == [("encoding", 8, 12), ("encoding", 12, 12)]
    decoder = Decoder(speaker.id, speaker.signal)
    states = [state for packet in packets for state in decoder.decode(packet)]
    assert all(state.tracking is Tracking.FACE for state in states)
    assert [state.pts_ms for state in states[:4]] == [0, 42, 84, 125]
    assert list(tmp_path.iterdir()) == [path]


def test_lossless_costs_more(part: ClipPart, speaker: Speaker, tmp_path: Path) -> None:
    compact = record_clip(part, tmp_path / "compact.call", speaker)
    lossless = record_clip(part, tmp_path / "lossless.call", speaker, Profile.LOSSLESS)
    assert lossless.payload_bytes > 2 * compact.payload_bytes


def test_what_comes_before_the_first_face_is_not_sent(
    talking_clip: Path, speaker: Speaker, weights_dir: Path, tmp_path: Path
) -> None:
    with_face = [frame.rgb for frame in read_clip(talking_clip, slice(0, 6))]
    black = [np.zeros_like(with_face[0])] * 4
    clip = write_clip(tmp_path / "late.mp4", [*black, *with_face], fps=24)
    part = ClipPart.of(clip, slice(None))
    recording = record_clip(part, tmp_path / "late.call", speaker)
    assert (recording.frames, recording.faceless) == (6, 4)
    assert evaluate(part, speaker, weights_dir, SIZE, vgg_every=9).frames.keys() == {
        4,
        5,
        6,
        7,
        8,
        9,
    }


def test_a_clip_of_nobody_leaves_no_file(tmp_path: Path, speaker: Speaker) -> None:
    clip = write_clip(tmp_path / "nobody.mp4", grey_frames(8, 96, 96))
    part = ClipPart.of(clip, slice(None))
    with pytest.raises(NoFaceError, match="expected a face, got none in 8 frames"):
        record_clip(part, tmp_path / "x.call", speaker)
    with pytest.raises(NoFaceError):
        evaluate(part, speaker, tmp_path / "cache", SIZE)
    assert list(tmp_path.iterdir()) == [clip]


def test_decoding_renders_what_a_receiver_renders_bit_for_bit(
    call: Path, speaker: Speaker, renderer: PacketRenderer, tmp_path: Path
) -> None:
    reader = CallReader(call, speaker.id)
    with PictureFolder(tmp_path / "out", reader.frames) as folder:
        playback = play_call(reader, renderer, folder)
    assert (playback.pictures, dict(playback.dropped)) == (12, {})
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        f"{number:06d}.png" for number in range(12)
    ]
    decoder = Decoder(speaker.id, speaker.signal)
    states = [state for packet in reader for state in decoder.decode(packet)]
    with PortraitRenderer(speaker) as receiver:
        for number, state in enumerate(states):
            live = receiver.render(state, SIZE)
            bgr = cv2.imread(str(tmp_path / "out" / f"{number:06d}.png"))
            assert np.array_equal(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), live)


def test_a_damaged_packet_is_dropped_and_the_picture_before_it_stays(
    call: Path, speaker: Speaker, renderer: PacketRenderer, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.call"
    whole, hurt = CallReader(call)
    with CallWriter(damaged, speaker.id, Profile.COMPACT, Fraction(24)) as writer:
        writer.write(whole, 8)
        writer.write(hurt[:-1] + bytes([hurt[-1] ^ 1]), 4)
    with PictureFolder(tmp_path / "out", 12) as folder:
        playback = play_call(CallReader(damaged), renderer, folder)
    assert playback.pictures == 12
    assert playback.dropped == {"CorruptPacketError": 1}
    shown = [(tmp_path / "out" / f"{number:06d}.png").read_bytes() for number in range(6, 12)]
    assert shown[0] != shown[1], "frames of the whole packet"
    assert set(shown[1:]) == {shown[1]}


def test_a_call_without_any_intact_packet_is_no_call(
    speaker: Speaker, renderer: PacketRenderer, tmp_path: Path
) -> None:
    path = tmp_path / "garbage.call"
    with CallWriter(path, speaker.id, Profile.COMPACT, Fraction(24)) as writer:
        for _ in range(3):
            writer.write(b"certainly no packet", 1)
    with PictureFolder(tmp_path / "out", 3) as folder, pytest.raises(ContainerError, match="got 3"):
        play_call(CallReader(path), renderer, folder)


def test_a_folder_with_more_pictures_than_will_be_written_is_refused(tmp_path: Path) -> None:
    with PictureFolder(tmp_path, 8) as folder:
        folder.write(7, np.zeros((4, 4, 3), np.uint8))
    with PictureFolder(tmp_path, 8):
        pass
    with pytest.raises(ModelError, match=r"without pictures from 000007\.png on, got 000007\.png"):
        PictureFolder(tmp_path, 7)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_video_file_shows_the_pictures_at_the_calls_pace(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"out{suffix}"
    pictures = [np.full((64, 64, 3), 20 * number + 20, np.uint8) for number in range(8)]
    with open_sink(path, 8, 64, Fraction(24)) as video:
        for number, picture in enumerate(pictures):
            video.write(number, picture)
    frames = list(read_clip(path))
    assert [round(frame.pts_ms * 24 / 1000) for frame in frames] == list(range(8))
    for frame, picture in zip(frames, pictures, strict=True):
        assert psnr_db(frame.rgb, picture) > 35


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_video_longer_than_its_encoders_look_ahead_keeps_its_pace(
    suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"long{suffix}"
    with VideoFile(path, 64, 64, Fraction(25)) as video:
        for number, picture in enumerate(grey_frames(20, 64) * 6):
            video.write(number, picture)
    assert [frame.pts_ms for frame in read_clip(path)] == list(range(0, 120 * 40, 40))


def test_videos_have_even_sides_and_known_suffixes(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected even sides for a video, got 65x65"):
        VideoFile(tmp_path / "a.mp4", 65, 65, Fraction(24))
    with pytest.raises(ModelError, match=r"expected one of \.mp4, \.mkv, \.webm"):
        VideoFile(tmp_path / "a.avi", 64, 64, Fraction(24))
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(ModelError, match="expected to write a video"):
        VideoFile(tmp_path / "folder.mp4", 64, 64, Fraction(24))


def test_evaluation_compares_the_clips_portrait_with_what_the_bytes_became(
    part: ClipPart,
    speaker: Speaker,
    renderer: PacketRenderer,
    evaluation: Evaluation,
    shown: list[Comparison],
) -> None:
    sent = [coded.packet for coded in code_frames(part, speaker) if coded.packet is not None]
    assert evaluation.recording.payload_bytes == sum(map(len, sent))
    pictures = [picture for packet in sent for _, picture in renderer.show(packet)]
    for picture, frame, comparison in zip(pictures, part.read(), shown, strict=True):
        assert np.array_equal(comparison.rendered, picture)
        assert np.array_equal(comparison.original, speaker.face.crop.extract(frame.rgb, SIZE))
        assert comparison.index == frame.index
    values = [frame.psnr_db for frame in evaluation.frames.values()]
    assert evaluation.mean.psnr_db == pytest.approx(np.mean(values))
    assert evaluation.frames[20].temporal_psnr_db is None
    # Far above what another person or a frozen picture would reach.
    assert evaluation.mean.psnr_db > 20 and evaluation.mean.ssim > 0.7
    assert (evaluation.mean.lpips_frames, evaluation.mean.lpips_vgg_frames) == (12, 2)
    # Other people reach 0.86 at most.
    assert evaluation.mean.csim is not None and evaluation.mean.csim > 0.9


def test_a_report_is_one_page_with_a_few_small_pictures(
    evaluation: Evaluation, shown: list[Comparison], thumbnails: Thumbnails, tmp_path: Path
) -> None:
    worst = WorstFrames(wanted=2)
    for comparison in shown:
        worst.observe(comparison)
    page = write_report(
        tmp_path / "report", "<clip>", [("PSNR", "20.00 dB")], worst.course(), thumbnails
    )
    assert list(page.parent.iterdir()) == [page]
    text = page.read_text()
    assert "&lt;clip&gt;" in text and "<clip>" not in text
    assert "<th>PSNR</th><td>20.00 dB</td>" in text
    assert re.findall(r"<figcaption>frame (\d+):", text) == ["20", "25", "31"]
    lowest, lowest_db = min(
        ((number, frame.psnr_db) for number, frame in evaluation.frames.items()),
        key=lambda frame: frame[1],
    )
    assert f"<figcaption><b>1</b> frame {lowest}: {lowest_db:.2f} dB" in text
    assert len(text) < 200_000


def test_a_senders_time_is_told_part_by_part(part: ClipPart, speaker: Speaker) -> None:
    stages = {stage.stage: stage.ms for stage in measure_sender(part, speaker)}
    assert all(ms > 0 for ms in stages.values())
    whole = stages["landmarks, pose, expression, torso, code"] + stages["encoding"]
    assert stages["whole sender"] == pytest.approx(whole)
    assert stages["encoding"] < stages["landmarks"]
    assert "closed loop, one step beside it" in stages


def test_the_closed_loop_brings_the_portrait_nearer_to_the_camera(
    talking_clip: Path, speaker: Speaker
) -> None:
    # Frames without a hand before the man, which no loop can explain.
    part = ClipPart.of(talking_clip, slice(96, 120))
    mean_db = {}
    with PortraitRenderer(speaker) as renderer:
        for loop in (Loop.OPEN, Loop.EVERY):
            figures = []
            for coded in code_frames(part, speaker, portrait_size=256, loop=loop):
                for frame in coded.frames:
                    assert frame.state is not None
                    assert frame.portrait is not None
                    figures.append(psnr_db(frame.portrait, renderer.render(frame.state, 256)))
            mean_db[loop] = np.mean(figures[8:])
    assert mean_db[Loop.EVERY] > mean_db[Loop.OPEN] + 0.3


def test_what_coding_costs_the_picture_is_measured_on_pictures(
    talking_clip: Path, speaker: Speaker
) -> None:
    part = ClipPart.of(talking_clip, slice(96, 112))
    frames = [
        frame for coded in code_frames(part, speaker, portrait_size=128) for frame in coded.frames
    ]
    compact, lossless = measure_coding_loss(frames, speaker, tuple(Profile))
    assert compact.unquantised_db == lossless.unquantised_db > 20
    assert abs(lossless.lost_db) < 0.05
    assert abs(compact.lost_db) < 1.5 and compact.lost_db != lossless.lost_db
