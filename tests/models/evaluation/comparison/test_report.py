"""The whole report of a real face, small: page, JSON and CSV agree."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from codec.profile import Profile
from models.errors import BaselineError, ExperimentError
from models.evaluation.codecs.external import ExternalCodec
from models.evaluation.comparison import report
from models.evaluation.comparison.experiment import Experiment, Subject
from models.evaluation.comparison.measured import load_outcome
from models.evaluation.comparison.report import ReportConfig, make_report
from models.evaluation.comparison.run import Outcome
from models.evaluation.comparison.sent import send, store_footage
from models.evaluation.comparison.viewing import kept_frames, view_pixels
from models.evaluation.metrics import psnr_db
from models.evaluation.recording import ClipPart, code_frames
from models.portrait.speaker import load_speaker
from tests.models.evaluation.codecs.footage import drifting_footage

FRAMES = slice(20, 26)
CONFIG = ReportConfig(main_px=128, sides_px=(64,), rungs_kbps=(80.0,), offline=False)
# Sends the first picture and repeats it.
STILL = """
import json, sys
from pathlib import Path
step, folder = sys.argv[1], Path(sys.argv[2])
job = json.loads((folder / "job.json").read_text())
if step == "encode":
    source = (folder / "source.rgb").read_bytes()
    (folder / "bitstream.bin").write_bytes(source[: len(source) // job["frames"]])
else:
    still = (folder / "bitstream.bin").read_bytes()
    (folder / "decoded.rgb").write_bytes(still * job["frames"])
"""


class MeasuredAgainError(Exception):
    """Stands for the hours that measuring takes."""


def measured_again(*arguments: object) -> Outcome:
    raise MeasuredAgainError


class Links(HTMLParser):
    """Collects what a page loads or points to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


@pytest.fixture(scope="module")
def folder(
    talking_clip: Path,
    real_speaker: Path,
    weights_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("report")
    script = folder / "still.py"
    script.write_text(STILL)
    experiment = Experiment(
        (Subject("<man>", talking_clip, real_speaker, FRAMES),),
        (ExternalCodec("still", (sys.executable, str(script))),),
    )
    seen: list[float] = []
    page = make_report(
        experiment,
        {"no torso": {"psnr_db": 25.0}},
        CONFIG,
        folder / "out",
        weights_dir,
        lambda what, share: seen.append(share),
    )
    assert page == folder / "out" / "index.html"
    assert seen == sorted(seen) and seen[0] >= 0.0 and 0.9 < seen[-1] <= 1.0
    return page.parent


def test_the_page_needs_nothing_beside_it(folder: Path) -> None:
    links = Links()
    links.feed((folder / "index.html").read_text())
    assert links.found and all(link.startswith("data:image/") for link in links.found)
    # Figures 5 and 6, five frames of source, nerfcall, four codecs and the external one, and
    # the worst frame by PSNR and by LPIPS: the six are near each other.
    assert sum(link.startswith("data:image/svg+xml") for link in links.found) == 3
    assert sum(link.startswith("data:image/jpeg") for link in links.found) == 5 * 7 + 2


def test_the_page_holds_every_table_and_figure(folder: Path) -> None:
    text = (folder / "index.html").read_text()
    headings = re.findall(r"<h2>([^<:]+)", text)
    assert headings == [
        "Figure 4",
        "Worst frames",
        "Table 1",
        "Table 2",
        "Bits saved at equal quality",
        "Figure 5",
        "Figure 6",
        "Figure 6, continued",
        "Table 3",
        "How it was measured",
    ]
    assert "&lt;man&gt;" in text and "<man>" not in text
    assert "no torso" in text and "libx265" in text


def test_points_are_the_same_in_json_and_csv(folder: Path) -> None:
    document = json.loads((folder / "report.json").read_text())
    with (folder / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # At 128 px two profiles, at 64 px one; five codecs at nerfcall's rate and at another.
    assert len(rows) == len(document["points"]) == 2 + 1 + 2 * 5 * 2
    for row, point in zip(rows, document["points"], strict=True):
        assert row["system"] == point["system"]
        assert float(row["payload_kbps"]) == point["payload_kbps"]
        assert float(row["ssim"]) == point["ssim"]
    assert document["missing_codecs"] == []


def test_the_worst_frames_are_told_to_programs_and_shown(folder: Path) -> None:
    document = json.loads((folder / "report.json").read_text())
    (worst,) = document["clips"][0]["worst_frames"]["psnr_db"]
    ours = next(p for p in document["points"] if p["side_px"] == 128)
    assert worst["frame"] in range(20, 26) and worst["psnr_db"] <= ours["psnr_db"]
    text = (folder / "index.html").read_text()
    caption = f"frame {worst['frame']}: {worst['psnr_db']:.2f} dB, LPIPS {worst['lpips_alex']:.4f}"
    assert f"<figcaption><b>1</b> {caption}</figcaption>" in text
    assert "PSNR of frames 20 to 25" in text


def test_nerfcalls_rate_is_that_of_a_calls_packets(
    folder: Path, talking_clip: Path, real_speaker: Path
) -> None:
    coding = code_frames(ClipPart.of(talking_clip, FRAMES), load_speaker(real_speaker))
    payload_bytes = sum(len(coded.packet) for coded in coding if coded.packet is not None)
    points = json.loads((folder / "report.json").read_text())["points"]
    ours = [p for p in points if p["system"] == "nerfcall" and p["mode"] == "compact"]
    assert [p["side_px"] for p in ours] == [64, 128]
    # One bitstream for every size.
    assert {p["payload_bytes"] for p in ours} == {payload_bytes}


def test_all_metrics_are_measured_at_the_main_size(folder: Path) -> None:
    points = json.loads((folder / "report.json").read_text())["points"]
    ours = next(p for p in points if p["system"] == "nerfcall" and p["side_px"] == 128)
    assert {"l1", "ssim", "psnr_db", "lpips_alex", "lpips_vgg", "csim", "aucon"} <= ours.keys()
    small = next(p for p in points if p["side_px"] == 64)
    assert "psnr_db" in small and "lpips_alex" not in small


def test_a_report_goes_on_from_the_clips_that_were_measured(
    folder: Path,
    talking_clip: Path,
    real_speaker: Path,
    weights_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    again = shutil.copytree(folder, tmp_path / "out")
    subject = Subject("<man>", talking_clip, real_speaker, FRAMES)
    script = folder.parent / "still.py"
    still = ExternalCodec("still", (sys.executable, str(script)))
    monkeypatch.setattr(report, "run_subject", measured_again)
    config = replace(CONFIG, resume=True)
    settings = {"no torso": {"psnr_db": 25.0}}
    make_report(Experiment((subject,), (still,)), settings, config, again, weights_dir)
    for name in ("index.html", "report.json", "points.csv"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    other_frames = replace(subject, frames=slice(20, 25))
    for experiment, how in (
        (Experiment((subject,), (still,)), CONFIG),
        (Experiment((other_frames,), (still,)), config),
        (Experiment((subject,), ()), config),
    ):
        with pytest.raises(MeasuredAgainError):
            make_report(experiment, {}, how, again, weights_dir)


def test_what_was_kept_and_is_damaged_is_measured_anew(folder: Path, tmp_path: Path) -> None:
    (kept,) = (folder / "measured").iterdir()
    data = kept.read_bytes()
    subject = Subject("<man>", tmp_path, tmp_path, FRAMES)
    (tmp_path / kept.name).write_bytes(data)
    assert load_outcome(tmp_path, kept.stem, subject) is not None
    for damaged in (b"", data[: len(data) // 2], b"PK" + data[2:9]):
        (tmp_path / kept.name).write_bytes(damaged)
        assert load_outcome(tmp_path, kept.stem, subject) is None


def test_an_external_codec_is_measured_like_the_others(folder: Path) -> None:
    points = json.loads((folder / "report.json").read_text())["points"]
    still = [p for p in points if p["system"] == "still" and p["side_px"] == 128]
    assert {p["payload_bytes"] for p in still} == {128 * 128 * 3}
    assert all(p["payload_kbps_without_first_frame"] is None for p in still)
    # Its first picture has no error, so that its mean PSNR is infinite, which is no figure.
    assert all("psnr_db" not in p and "ssim" in p for p in still)


def test_tables_are_files_too(folder: Path) -> None:
    with (folder / "table1.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head[:3] == ["", "nerfcall (compact)", "nerfcall (lossless)"]
    assert "still (external)" in head and "FOMM (quoted)" in head
    assert next(row for row in rows if row[0] == "PSNR dB")[-1] == "30.85"
    table3 = (folder / "table3.csv").read_text().splitlines()
    assert table3[0] == ",no torso,w/o constraint (quoted),w. constraint (quoted)"


def test_every_system_is_given_the_portraits_of_the_sent_frames(
    talking_clip: Path, real_speaker: Path, tmp_path: Path
) -> None:
    part, speaker = ClipPart.of(talking_clip, FRAMES), load_speaker(real_speaker)
    sent = send(part, speaker, Profile.COMPACT)
    footage = store_footage(sent, speaker, 64, tmp_path / "64.rgb")
    assert sent.indices == tuple(range(20, 26)) and footage.fps == 24
    for frame, picture in zip(part.read(), footage.pictures, strict=True):
        assert np.array_equal(picture, speaker.face.crop.extract(frame.rgb, 64))


def test_pixels_are_measured_on_frames_spread_over_the_clip() -> None:
    footage = drifting_footage(frames=30, side_px=32)
    noise = np.random.default_rng(1).integers(-9, 10, footage.pictures.shape)
    noisy = np.clip(footage.pictures + noise, 0, 255).astype(np.uint8)
    chosen = kept_frames(30, 24)
    assert len(chosen) == 24 and chosen == sorted(set(chosen))
    expected = np.mean([psnr_db(noisy[n], footage.pictures[n]) for n in chosen])
    assert view_pixels(footage, iter(noisy))["psnr_db"] == pytest.approx(float(expected))


@pytest.mark.parametrize("frames", [(3,), (1, 2)])
def test_fewer_pictures_than_frames_are_an_error(frames: tuple[int, ...]) -> None:
    footage = drifting_footage(frames=4, side_px=32)
    with pytest.raises(BaselineError, match=f"expected 4 decoded pictures, got {len(frames)}"):
        view_pixels(footage, (footage.pictures[n] for n in frames))


@pytest.mark.parametrize(
    "config",
    [{"main_px": 255}, {"sides_px": (32,)}, {"rungs_kbps": ()}, {"rungs_kbps": (3.0, 0.0)}],
)
def test_impossible_plans_are_refused_before_any_work(config: dict[str, object]) -> None:
    with pytest.raises(ExperimentError, match="expected"):
        ReportConfig(**config)  # type: ignore[arg-type]
