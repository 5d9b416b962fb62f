"""What cannot be learned from is refused with a sentence that says what to do."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from models.clip import probe_clip, read_clip
from models.errors import NoFaceError, UnsuitableClipError
from models.face.crop import PortraitCrop
from models.face.person import PersonSegmenter
from models.face.suitable import check_suitable, longest_shot
from models.face.survey import Survey, survey_clip
from tests.models.clips import write_clip

FINE = Survey(
    "me.mp4",
    range(0, 500),
    25.0,
    PortraitCrop(0, 0, 512, 512, 512),
    looked_at=40,
    with_face=40,
    shared=0,
    backdrops=14,
    elsewhere=0,
    face_px=200.0,
    face_luma=120.0,
    cuts=(),
)
FPS = 4
"""Of the clips below: 24 pictures are six seconds."""


def refusal(survey: Survey) -> str:
    with pytest.raises(UnsuitableClipError) as caught:
        check_suitable(survey)
    message = str(caught.value)
    assert message.startswith(f"{survey.name}: expected ") and ", got " in message
    assert "\n" not in message
    return message.split("; ")[-1]


@pytest.fixture(scope="module")
def pictures(talking_clip):
    return [frame.rgb for frame in read_clip(talking_clip, slice(0, 240, 10))]


@pytest.fixture
def survey_of(tmp_path):
    def make(frames: list[np.ndarray]) -> Survey:
        clip = write_clip(tmp_path / "clip.mp4", frames, fps=FPS)
        return survey_clip(clip, range(probe_clip(clip).frames), lambda *told: None)

    return make


def test_a_clip_that_works_is_accepted(talking_clip):
    told = []
    survey = survey_clip(talking_clip, range(240), lambda *progress: told.append(progress))
    check_suitable(survey)
    assert (survey.with_face, survey.shared, survey.elsewhere) == (survey.looked_at, 0, 0)
    assert survey.usable_s == 10.0
    assert survey.cuts == ()
    assert 140 < survey.face_px < 190
    assert told[-1] == ("finding the face", 240, 240)


def test_doubtful_clips_are_accepted():
    """To refuse a clip that would do is the worse mistake."""
    check_suitable(replace(FINE, shared=8, elsewhere=3, face_px=45.0, face_luma=25.0))
    check_suitable(replace(FINE, chosen=range(160)))


def test_a_real_cut_is_refused_and_the_longest_shot_named(survey_of, pictures):
    other = [np.ascontiguousarray(p[:, ::-1][40:250, 30:290]) for p in pictures]
    other = [cv2.resize(p, (360, 288)) for p in other]
    survey = survey_of(pictures + other[:6])
    assert survey.cuts == (24,)
    assert refusal(survey) == "learn from the longest with --frames 0:24"


def test_of_many_cuts_the_longest_shot_is_named():
    survey = replace(FINE, cuts=(20, 60, 300))
    assert longest_shot(survey) == range(60, 300)
    assert refusal(survey) == "learn from the longest with --frames 60:300"
    with pytest.raises(UnsuitableClipError, match=r"got 3 cuts, the first at frame 20 \(0:00\)"):
        check_suitable(survey)


def test_shots_too_short_for_anything_are_not_named():
    assert refusal(replace(FINE, cuts=tuple(range(50, 500, 50)))) == "film one person in one go"


def test_two_people_are_refused(survey_of, pictures):
    both = [np.ascontiguousarray(np.concatenate([p, p[:, ::-1]], 1)) for p in pictures]
    survey = survey_of(both)
    assert survey.shared > 0.8 * survey.looked_at
    assert refusal(survey) == "film one alone"


def test_a_picture_on_the_wall_is_nobody(survey_of, pictures):
    photo = cv2.resize(pictures[0][60:240, 100:280], (70, 70), interpolation=cv2.INTER_AREA)
    wall = [p.copy() for p in pictures]
    for p in wall:
        p[5:75, 5:75] = photo
    check_suitable(survey_of(wall))


def test_half_a_clip_without_a_face_counts_half():
    assert replace(FINE, with_face=20).usable_s == 10.0
    assert refusal(replace(FINE, with_face=8)) == "film half a minute"


def test_a_short_clip_is_refused(survey_of, pictures):
    assert refusal(survey_of(pictures[:12])) == "film half a minute"


def test_a_small_face_is_refused(survey_of, pictures):
    far = []
    for p in pictures:
        canvas = np.full((170, 190, 3), 110, np.uint8)
        canvas[50:110, 50:125] = cv2.resize(p, (75, 60), interpolation=cv2.INTER_AREA)
        far.append(canvas)
    survey = survey_of(far)
    assert 25 < survey.face_px < 40
    assert refusal(survey) == "come closer to the camera"


def test_a_dark_face_is_refused(survey_of, pictures):
    dark = [(p * 0.11).astype(np.uint8) for p in pictures]
    assert refusal(survey_of(dark)) == "put a light in front of it"


def test_a_black_clip_wants_light(survey_of, pictures):
    with pytest.raises(NoFaceError, match="got none in 24 frames; turn on a light"):
        survey_of([(p * 0.03).astype(np.uint8) for p in pictures])


def textured(seed: int, height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = sum(
        cv2.resize(rng.uniform(0, 255, (height // k, width // k, 3)), (width, height))
        for k in (4, 8, 16, 32)
    )
    return np.clip((noise / 4 - 127) * 2 + 127, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def cut_outs(pictures):
    """The person of each picture, and how surely each pixel is him."""
    with PersonSegmenter() as segmenter:
        return [(p, segmenter.mask(p)[..., None] / 255.0) for p in pictures]


def before(cut_out, background: np.ndarray) -> np.ndarray:
    picture, alpha = cut_out
    return (picture * alpha + background * (1 - alpha)).astype(np.uint8)


def test_a_camera_that_pans_and_zooms_is_accepted(survey_of, cut_outs):
    wide = textured(1, 500, 700)
    frames = []
    for i, cut_out in enumerate(cut_outs):
        M = cv2.getRotationMatrix2D((350, 250), 0.3 * i, 1 + 0.008 * i)
        M[:, 2] -= [120 + 4 * i, 90 + i]
        frames.append(before(cut_out, cv2.warpAffine(wide, M, (360, 288))))
    survey = survey_of(frames)
    assert survey.elsewhere == 0
    check_suitable(survey)


def test_a_camera_that_is_carried_about_is_refused(survey_of, cut_outs):
    """The background goes by, near things faster than far ones: no similarity explains it."""
    near, far = textured(2, 288, 4000), textured(3, 288, 4000)
    frames = []
    for i, cut_out in enumerate(cut_outs):
        background = far[:, 60 * i : 60 * i + 360].copy()
        background[120:] = near[120:, 140 * i : 140 * i + 360]
        frames.append(before(cut_out, background))
    survey = survey_of(frames)
    survey = replace(survey, cuts=())  # four pictures a second of such a walk look like cuts
    assert refusal(survey) == "put the camera down and film again"
