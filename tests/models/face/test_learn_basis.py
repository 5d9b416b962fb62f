import numpy as np
import pytest

from models.errors import NoFaceError
from models.face.camera import rotation_matrix
from models.face.learn_basis import clip_meshes, expressions, learn_basis, mirror_order
from tests.models.clips import grey_frames, write_clip


def synthetic_people(basis, count=3, frames=60):
    """People of their own shape, who open the mouth and close both lids, heads moving."""
    rng = np.random.default_rng(5)
    people = []
    for _ in range(count):
        shape = basis.mean * rng.uniform(0.9, 1.1, 3) + rng.normal(0, 0.01, (478, 3))
        weights = rng.normal(0, 1, (frames, 2))
        meshes = shape + np.tensordot(weights, basis.components[[0, 3]], 1)
        R = np.array([rotation_matrix(v) for v in rng.normal(0, 0.05, (frames, 3))])
        people.append(np.einsum("nij,npj->npi", R, meshes) + rng.normal(0, 0.5, (frames, 1, 3)))
    return people


def test_who_and_what_are_told_apart(basis):
    for meshes in synthetic_people(basis):
        neutral, movements = expressions(meshes)
        assert np.abs(movements.mean(0)).max() < 1e-9
        assert np.ptp(neutral[:, 1]) == pytest.approx(np.ptp(basis.mean[:, 1]), rel=0.15)


def test_few_movements_are_explained_by_few_components(basis):
    learned, explained = learn_basis(synthetic_people(basis))
    # Two movements and their mirror images are all there is (and a little rigid remainder).
    assert explained[5] > 0.95
    assert explained[78] > 0.99
    assert (np.diff(explained) >= 0).all()
    assert learned.components.shape == (79, 478, 3)


def test_the_mirror_pairs_left_with_right(basis):
    tilted = basis.mean.astype(np.float64) @ rotation_matrix(np.array([0, 0.03, 0.02])).T + 0.2
    order = mirror_order(tilted)
    np.testing.assert_array_equal(order[order], np.arange(478))
    known = {33: 263, 61: 291, 159: 386, 133: 362, 468: 473, 234: 454, 10: 10, 152: 152, 1: 1}
    assert {point: int(order[point]) for point in known} == known


def test_a_clip_without_a_face_teaches_nothing(tmp_path):
    path = write_clip(tmp_path / "grey.mp4", grey_frames(5))
    with pytest.raises(NoFaceError, match="expected 20 frames with a face, got 0"):
        clip_meshes(path, every=1)


def test_a_real_clip_gives_meshes_in_head_space(real_clip, basis):
    meshes = clip_meshes(real_clip, every=200)
    assert meshes.shape == (24, 478, 3)
    # Upright and centred like the mean face, whatever the head does.
    assert np.abs(np.median(meshes, 0) - basis.mean).mean() < 1.5
