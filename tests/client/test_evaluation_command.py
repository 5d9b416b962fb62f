"""What `nerfcall evaluate` tells people and programs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from client.commands.evaluation import as_json, figures
from models.evaluation.evaluate import Evaluation
from models.evaluation.measure import Measurement
from models.evaluation.recording import Recording

MEAN = Measurement(
    l1=0.0125,
    psnr_db=31.5,
    ssim=0.93,
    temporal_psnr_db=36.25,
    lpips_alex=0.042,
    lpips_vgg=0.084,
    csim=0.9931,
    aucon=0.9833,
    prmse_deg=0.391,
    expression_correlation=0.57,
    frames=50,
    lpips_frames=50,
    lpips_vgg_frames=50,
    faces=49,
    faces_missed=2,
)
EVALUATION = Evaluation(MEAN, {}, Recording(50, 3, 1000, Fraction(25)), 256, "cpu")


def test_programs_get_every_figure_by_its_name() -> None:
    told = as_json(EVALUATION)
    expected = {
        "psnr_db": 31.5,
        "ssim": 0.93,
        "l1": 0.0125,
        "lpips_alex": 0.042,
        "lpips_vgg": 0.084,
        "csim": 0.9931,
        "aucon": 0.9833,
        "prmse_deg": 0.391,
        "temporal_psnr_db": 36.25,
        "payload_kbps": 4.0,
        "frames": 50,
        "lpips_frames": 50,
        "lpips_vgg_frames": 50,
        "size": 256,
    }
    assert expected.items() <= told.items()
    assert (told["faces"], told["faces_missed"], told["faceless_frames"]) == (49, 2, 3)


def test_people_read_them_with_their_units() -> None:
    told = dict(figures(EVALUATION))
    assert told["LPIPS (AlexNet)"] == "0.0420" and told["LPIPS (VGG16)"] == "0.0840"
    assert told["PRMSE (MediaPipe)"] == "0.39°" and told["temporal PSNR"] == "36.25 dB"


def test_people_are_told_when_a_metric_saw_some_frames_only() -> None:
    told = dict(figures(replace(EVALUATION, mean=replace(MEAN, lpips_vgg_frames=5))))
    assert told["LPIPS (VGG16), 5 of 50 frames"] == "0.0840"


def test_what_could_not_be_measured_is_a_dash_and_null() -> None:
    faceless = replace(MEAN, csim=None, aucon=None, prmse_deg=None, expression_correlation=None)
    evaluation = replace(EVALUATION, mean=faceless)
    told = dict(figures(evaluation))
    assert told["CSIM (dlib)"] == told["AUCON (MediaPipe)"] == told["PRMSE (MediaPipe)"] == "-"
    assert as_json(evaluation)["prmse_deg"] is None
