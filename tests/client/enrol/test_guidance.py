"""A person before the camera is told what to do, in words that are theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from client.enrol.guidance import (
    DARK,
    FAR_AWAY,
    GOOD,
    NO_FACE,
    SEVERAL,
    TOO_NEAR,
    Advice,
    Guide,
    plain_reason,
)
from client.errors import EnrolPageError
from models.clip import read_clip
from models.errors import NoFaceError, UnsuitableClipError
from models.face.suitable import check_suitable
from models.face.survey import Survey
from tests.models.face.test_suitable import FINE

RECORDING = Path("recording.mkv")
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def picture(talking_clip: Path) -> Picture:
    return next(iter(read_clip(talking_clip))).rgb


def advice_of(picture: Picture) -> Advice:
    coded, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert coded
    guide = Guide()
    try:
        return guide.look(jpeg.tobytes())
    finally:
        guide.close()


def test_a_face_as_in_a_call_is_good(picture: Picture) -> None:
    assert advice_of(picture) == GOOD


def test_what_is_wrong_is_said(picture: Picture) -> None:
    assert advice_of(np.zeros_like(picture)) == DARK
    assert advice_of((picture * 0.2).astype(np.uint8)) == DARK
    assert advice_of(np.full_like(picture, 128)) == NO_FACE
    assert advice_of(np.concatenate([picture, picture], axis=1)) == SEVERAL
    small = cv2.copyMakeBorder(picture, 600, 0, 200, 200, cv2.BORDER_REPLICATE)
    assert advice_of(np.asarray(small, np.uint8)) == FAR_AWAY


def test_a_face_that_fills_the_picture_is_too_near(picture: Picture) -> None:
    height, width = picture.shape[:2]
    rows = slice(int(0.1 * height), int(0.68 * height))
    near = [advice_of(picture[rows, width // 4 : -width // 4])]
    assert near[0] == TOO_NEAR


@pytest.mark.parametrize("jpeg", [b"", b"no picture", bytes(1000)])
def test_what_is_no_picture_is_refused(jpeg: bytes) -> None:
    with pytest.raises(EnrolPageError, match="expected a picture"):
        Guide().look(jpeg)


@pytest.mark.parametrize(
    ("survey", "told"),
    [
        (replace(FINE, cuts=(250,)), "cut"),
        (replace(FINE, shared=30), "Other people"),
        (replace(FINE, elsewhere=14), "camera moved"),
        (replace(FINE, face_px=20.0), "Come closer"),
        (replace(FINE, face_luma=5.0), "too dark"),
        (replace(FINE, with_face=2), "Too little shows your face"),
    ],
)
def test_every_refusal_has_plain_words(survey: Survey, told: str) -> None:
    with pytest.raises(UnsuitableClipError) as refused:
        check_suitable(survey)
    reason = plain_reason(refused.value, RECORDING)
    assert told in reason and "expected" not in reason


def test_a_recording_without_a_face_and_other_faults_have_a_reason() -> None:
    assert plain_reason(NoFaceError("x: expected a face"), RECORDING).startswith("No face is seen")
    other = UnsuitableClipError(f"{RECORDING}: expected a tripod, got a ship")
    assert plain_reason(other, RECORDING).endswith("expected a tripod, got a ship.")
