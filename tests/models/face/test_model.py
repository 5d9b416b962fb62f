import json
from dataclasses import replace

import numpy as np
import pytest

from models.errors import SpeakerFileError
from models.face.model import FaceModel, basis_digest


def test_a_face_survives_the_way_through_tensors_and_json(dataset, weights):
    face = replace(dataset.face, embedding=weights)
    manifest = json.loads(json.dumps(face.manifest()))
    again = FaceModel.from_tensors({**face.to_tensors(), "field.x": np.zeros(2)}, manifest)
    assert again.camera == face.camera
    assert again.crop == face.crop
    assert again.basis == face.basis
    for name, tensor in face.to_tensors().items():
        np.testing.assert_array_equal(again.to_tensors()[name], tensor)


def test_a_face_without_an_embedding_is_a_face(dataset):
    again = FaceModel.from_tensors(dataset.face.to_tensors(), dataset.face.manifest())
    assert again.embedding is None


def test_the_faces_part_of_a_speaker_file_is_small(dataset, weights):
    face = replace(dataset.face, embedding=weights)
    torso, background = (
        part.grey.nbytes + part.weight.nbytes for part in (face.torso, face.background)
    )
    assert torso < 20_000
    assert background < 80_000
    assert sum(tensor.nbytes for tensor in face.to_tensors().values()) < 1_000_000


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("neutral", None, "expected a tensor face.neutral, got none"),
        ("neutral", np.zeros((468, 3), np.float32), r"expected shape \(478, 3\), got \(468, 3\)"),
        ("neutral", np.zeros((478, 3)), "expected float32, got float64"),
        ("neutral", np.full((478, 3), np.nan, np.float32), "expected a head within"),
        ("neutral", np.full((478, 3), 1e9, np.float32), "expected a head within"),
        ("coefficient_std", np.zeros(79, np.float32), "positive deviations"),
        ("coefficient_mean", np.full(79, np.inf, np.float32), "finite means"),
        ("torso_grey", np.zeros((4096, 4096), np.uint8), r"expected shape \(96, 96\)"),
        ("torso_weight", np.zeros((96, 96), np.float32), "expected uint8, got float32"),
        ("torso_colours", np.full(3, 5, np.float32), "colours of the torso"),
        ("torso_spread", np.zeros(6, np.float32), "finite habit"),
        ("background_grey", np.zeros((96, 96), np.uint8), r"expected shape \(192, 192\)"),
        ("background_weight", np.zeros((192, 192), np.float32), "expected uint8, got float32"),
    ],
)
def test_absurd_tensors_are_refused(dataset, name, tensor, message):
    tensors = dataset.face.to_tensors()
    if tensor is None:
        del tensors[f"face.{name}"]
    else:
        tensors[f"face.{name}"] = tensor
    with pytest.raises(SpeakerFileError, match=message):
        FaceModel.from_tensors(tensors, dataset.face.manifest())


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("camera", None, "expected an object camera"),
        ("camera", {"focal": 1.0, "cx": 0.5}, "expected a number camera.cy"),
        ("camera", {"focal": 0.0, "cx": 0.5, "cy": 0.5}, "expected a focal length"),
        ("camera", {"focal": float("nan"), "cx": 0.5, "cy": 0.5}, "expected a focal length"),
        ("camera", {"focal": "1", "cx": 0.5, "cy": 0.5}, "expected a number camera.focal"),
        ("crop", [1, 2], "expected an object crop"),
        ("crop", {"x": -1}, "inside its frame"),
        ("crop", {"side": 0}, "inside its frame"),
        ("crop", {"side": 10**9}, "inside its frame"),
        ("crop", {"side": 100.5}, "inside its frame"),
        ("crop", {"frame_width": True}, "expected a number crop.frame_width"),
        ("basis", 7, "expected the basis's digest"),
    ],
)
def test_an_absurd_manifest_is_refused(dataset, part, value, message):
    manifest = dataset.face.manifest()
    if part == "crop" and isinstance(value, dict):
        value = manifest["crop"] | value
    with pytest.raises(SpeakerFileError, match=message):
        FaceModel.from_tensors(dataset.face.to_tensors(), manifest | {part: value})


def test_a_basis_is_named_by_its_content(basis):
    assert basis_digest(basis) == basis_digest(replace(basis, mean=basis.mean + 1))
    assert basis_digest(basis) != basis_digest(replace(basis, components=basis.components * 1.01))


def test_standardised_coefficients_have_no_mean_and_unit_deviation(dataset):
    standard = dataset.face.standardise(dataset.coefficients)
    np.testing.assert_allclose(standard.mean(0), 0, atol=1e-3)
    moving = dataset.face.coefficient_std > 0.021
    assert moving.sum() > 20
    np.testing.assert_allclose(standard.std(0)[moving], 1, atol=1e-2)
