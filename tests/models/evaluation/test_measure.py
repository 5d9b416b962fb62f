"""One entry point for every metric of a run of pictures."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.errors import ModelError
from models.evaluation.measure import Measurement, Measurer, measure
from models.evaluation.metrics import psnr_db

Picture = NDArray[np.uint8]
GREY = np.full((128, 128, 3), 90, np.uint8)


def blurred(picture: Picture, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


@pytest.fixture(scope="module")
def runs(portraits: list[Picture], weights_dir: Path) -> dict[float, Measurement]:
    """Six frames of a man, against themselves and against more and more blurred ones."""
    return {
        sigma: measure(
            [(face, blurred(face, sigma) if sigma else face) for face in portraits],
            weights_dir,
            vgg_every=5,
        )
        for sigma in (0.0, 1.0, 4.0)
    }


def test_a_perfect_rendering_is_perfect_in_everything(runs: dict[float, Measurement]) -> None:
    assert runs[0.0] == Measurement(
        l1=0.0,
        psnr_db=math.inf,
        ssim=pytest.approx(1.0),
        temporal_psnr_db=math.inf,
        lpips_alex=0.0,
        lpips_vgg=0.0,
        csim=pytest.approx(1.0),
        aucon=1.0,
        prmse_deg=0.0,
        expression_correlation=pytest.approx(1.0),
        frames=6,
        lpips_frames=6,
        lpips_vgg_frames=2,
        faces=6,
        faces_missed=0,
    )


@pytest.mark.parametrize("name", ["psnr_db", "ssim", "csim", "expression_correlation"])
def test_more_blur_is_less_alike(name: str, runs: dict[float, Measurement]) -> None:
    perfect, soft, vague = (getattr(run, name) for run in runs.values())
    assert perfect > soft > vague


@pytest.mark.parametrize("name", ["l1", "lpips_alex", "lpips_vgg", "prmse_deg"])
def test_more_blur_is_farther(name: str, runs: dict[float, Measurement]) -> None:
    perfect, soft, vague = (getattr(run, name) for run in runs.values())
    assert perfect < soft < vague


def test_another_persons_picture_is_another_person(
    portrait: Picture, somebody_else: Picture, weights_dir: Path, runs: dict[float, Measurement]
) -> None:
    with Measurer(weights_dir) as measurer:
        frame = measurer.add(portrait, somebody_else)
        result = measurer.result()
    vague = runs[4.0].csim
    assert frame.csim is not None and vague is not None
    assert frame.csim < 0.9 and frame.csim < vague
    assert result.faces_missed == 0 and result.lpips_alex > 0.4


def test_a_rendering_without_a_face_costs_likeness(
    portraits: list[Picture], weights_dir: Path
) -> None:
    with Measurer(weights_dir, vgg_every=9) as measurer:
        good = measurer.add(portraits[0], portraits[0])
        lost = measurer.add(portraits[1], GREY)
        nobody = measurer.add(GREY, portraits[2])
        result = measurer.result()
    assert (good.csim, good.aucon) == (pytest.approx(1.0), 1.0)
    assert (lost.csim, lost.aucon, lost.prmse_deg) == (0.0, 0.0, None)
    assert (nobody.csim, nobody.aucon, nobody.prmse_deg) == (None, None, None)
    assert result.csim == pytest.approx(0.5) and result.aucon == 0.5
    assert result.prmse_deg == 0.0
    assert (result.frames, result.faces, result.faces_missed) == (3, 2, 1)


def test_pictures_without_faces_are_measured_all_the_same(weights_dir: Path) -> None:
    brighter = GREY + 10
    result = measure([(GREY, brighter)], weights_dir)
    assert result.psnr_db == psnr_db(brighter, GREY)
    assert (result.csim, result.aucon, result.prmse_deg) == (None, None, None)
    assert result.expression_correlation is None and result.temporal_psnr_db is None
    assert (result.faces, result.faces_missed) == (0, 0)


def test_means_are_of_the_frames_and_pose_is_joined_by_squares(
    portraits: list[Picture], weights_dir: Path
) -> None:
    with Measurer(weights_dir, vgg_every=2) as measurer:
        frames = [measurer.add(face, blurred(face, 2.0)) for face in portraits[:3]]
        result = measurer.result()
    assert [frame.lpips_vgg is not None for frame in frames] == [True, False, True]
    assert result.lpips_alex == pytest.approx(np.mean([frame.lpips_alex for frame in frames]))
    vgg = [frame.lpips_vgg for frame in frames if frame.lpips_vgg is not None]
    assert result.lpips_vgg == pytest.approx(np.mean(vgg)) and result.lpips_vgg_frames == 2
    poses = [frame.prmse_deg for frame in frames if frame.prmse_deg is not None]
    assert len(poses) == 3
    assert result.prmse_deg == pytest.approx(math.sqrt(np.mean(np.square(poses))))


def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    with Measurer(tmp_path / "cache") as measurer, pytest.raises(ModelError, match="at least one"):
        measurer.result()
    with pytest.raises(ModelError, match="one shape"), Measurer(tmp_path / "cache") as measurer:
        measurer.add(GREY, GREY[:100])
    assert not (tmp_path / "cache").exists()


def test_impossible_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected LPIPS every 1 or more frames, got 0"):
        Measurer(tmp_path, vgg_every=0)
    with pytest.raises(ModelError, match="expected auto, cpu or cuda"):
        Measurer(tmp_path, device="abacus")


def test_a_measurer_started_anew_remembers_nothing(
    portraits: list[Picture], weights_dir: Path
) -> None:
    pairs = [(face, blurred(face, 2.0)) for face in portraits[:2]]
    with Measurer(weights_dir, vgg_every=9) as measurer:
        measurer.add(GREY, blurred(portraits[2], 1.0))
        measurer.restart()
        with pytest.raises(ModelError):
            measurer.result()
        for pair in pairs:
            measurer.add(*pair)
        assert measurer.result() == measure(pairs, weights_dir, vgg_every=9)
