from dataclasses import replace

import cv2
import numpy as np
import pytest

from codec.face import Tracking
from codec.lattice import EXPONENTS
from models.clip import Frame
from models.errors import SpeakerFileError
from models.face.analyzer import FaceAnalyzer
from models.face.embedding import embed
from models.face.measure import FaceMeasurer

LATTICE = np.ldexp(1.0, -EXPONENTS)


@pytest.fixture
def face(dataset, weights):
    return replace(dataset.face, embedding=weights)


def test_the_call_measures_what_enrolment_measured(face, dataset, weights, real_frames):
    with FaceAnalyzer(face) as analyzer:
        states = [analyzer.analyze(frame).state for frame in real_frames]
    for i, state in enumerate(states):
        assert state.pts_ms == dataset.pts_ms[i]
        assert state.tracking is Tracking.FACE
        pose = np.concatenate([state.pose.rotation, state.pose.translation])
        # What is sent lies on the lattice.
        assert (np.abs(pose - dataset.poses[i]) < LATTICE[30:36]).all()
        assert (np.abs(state.torso - dataset.torso[i]) < LATTICE[36:42]).all()
        assert (np.abs(state.background - dataset.background[i]) < LATTICE[42:]).all()
        expression = embed(weights, face.standardise(dataset.coefficients[i]), dataset.faces[i])
        np.testing.assert_allclose(state.expression, expression, atol=1e-3)


class Shifter:
    """Corrects by one centimetre, and remembers what it was shown."""

    size = 128

    def __init__(self):
        self.shown = []

    def refine(self, state, portrait):
        self.shown.append((state, portrait))
        pose = replace(state.pose, translation=state.pose.translation + np.float32(1))
        return replace(state, pose=pose), None


def test_a_corrector_sees_the_portrait_and_has_the_last_word(face, real_frames):
    corrector = Shifter()
    with FaceAnalyzer(face, 128, corrector=corrector) as analyzer:
        analysis = analyzer.analyze(real_frames[0])
        blank = np.full_like(real_frames[0].rgb, 90)
        gone = analyzer.analyze(Frame(blank, 1, 40))
    [(tracked, portrait)] = corrector.shown  # no face, nothing to correct
    np.testing.assert_array_equal(portrait, analysis.portrait)
    moved = analysis.state.pose.translation - tracked.pose.translation
    assert (np.abs(moved - 1) < LATTICE[33:36]).all()
    assert gone.state.pose == analysis.state.pose


def test_before_the_first_face_there_is_no_state(face):
    blank = Frame(np.full((288, 360, 3), 90, np.uint8), 0, 0)
    with FaceAnalyzer(face) as analyzer:
        analysis = analyzer.analyze(blank)
    assert analysis.state is None
    assert analysis.observation.tracking is Tracking.NO_FACE


def test_without_a_face_the_last_state_is_repeated_and_says_why(face, real_frames):
    rgb = real_frames[0].rgb
    with FaceAnalyzer(face) as analyzer:
        good = analyzer.analyze(Frame(rgb, 0, 0))
        gone = analyzer.analyze(Frame(np.full_like(rgb, 90), 1, 40))
        dark = analyzer.analyze(Frame(np.zeros_like(rgb), 2, 80))
        back = analyzer.analyze(Frame(rgb, 3, 120))
    assert gone.state == replace(good.state, pts_ms=40, tracking=Tracking.NO_FACE)
    assert dark.state == replace(good.state, pts_ms=80, tracking=Tracking.DARK)
    np.testing.assert_array_equal(gone.coefficients, good.coefficients)
    assert back.state.tracking is Tracking.FACE
    np.testing.assert_allclose(back.state.pose.translation, good.state.pose.translation, atol=0.3)


def test_another_resolution_gives_the_same_state(face, real_frames):
    rgb = real_frames[0].rgb
    double = cv2.resize(rgb, (720, 576), interpolation=cv2.INTER_CUBIC)
    states = []
    for picture in (rgb, double):
        with FaceAnalyzer(face) as analyzer:
            states.append(analyzer.analyze(Frame(picture, 0, 0)).state)
    small, large = states
    np.testing.assert_allclose(large.pose.translation, small.pose.translation, atol=0.4)
    np.testing.assert_allclose(large.pose.rotation, small.pose.rotation, atol=0.03)


def test_the_portrait_comes_along_if_asked_for(face, real_frames):
    with FaceAnalyzer(face, portrait_size=48) as analyzer:
        portrait = analyzer.analyze(real_frames[0]).portrait
    np.testing.assert_array_equal(portrait, face.crop.extract(real_frames[0].rgb, 48))
    with FaceAnalyzer(face) as analyzer:
        assert analyzer.analyze(real_frames[0]).portrait is None


def test_a_speaker_without_embedding_cannot_call(dataset):
    with pytest.raises(SpeakerFileError, match="expected a speaker with an embedding"):
        FaceAnalyzer(dataset.face)


def test_a_speaker_of_another_basis_is_refused(face, basis):
    with pytest.raises(SpeakerFileError, match="enrol the speaker again"):
        FaceMeasurer(replace(face, basis="0123456789abcdef"), basis)
