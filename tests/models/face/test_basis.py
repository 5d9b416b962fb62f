from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from models.errors import ModelError
from models.face.basis import load_basis, save_basis
from models.face.mesh import LIDS, LIPS


def test_the_projects_basis_is_small_and_made_of_79_movements_of_478_points(basis, tmp_path):
    assert basis.components.shape == (79, 478, 3)
    assert basis.mean.shape == (478, 3)
    save_basis(basis, tmp_path / "basis")
    assert (tmp_path / "basis").stat().st_size <= 250_000


def test_the_mean_face_is_upright_centred_and_in_centimetres(basis):
    nose, chin, forehead = basis.mean[1], basis.mean[152], basis.mean[10]
    assert forehead[1] - chin[1] == pytest.approx(19, abs=2)
    assert nose[2] > chin[2]  # towards the camera
    left_eye, right_eye = basis.mean[263], basis.mean[33]
    np.testing.assert_allclose(left_eye, right_eye * [-1, 1, 1], atol=1e-4)


def test_movements_are_ordered_by_size_and_reach_mouth_and_lids(basis):
    size = np.linalg.norm(basis.components[..., :2].reshape(79, -1), axis=1)
    assert size[0] > 3 * size[20] > 6 * size[70]
    per_point = np.sqrt(np.square(basis.components).sum((0, 2)))
    assert per_point[LIPS].mean() > 1.3 * np.median(per_point)
    assert per_point[LIDS].mean() > 0.5 * np.median(per_point)


def test_coefficients_bend_the_neutral_mesh_linearly(basis):
    c = np.zeros(79, np.float32)
    c[4] = 2
    np.testing.assert_allclose(
        basis.mesh(basis.mean, c), basis.mean + 2 * basis.components[4], atol=1e-6
    )


def test_saving_and_loading_keeps_the_basis(basis, tmp_path):
    # Whatever the order in memory: safetensors would write it as it lies.
    scrambled = replace(basis, components=np.asfortranarray(basis.components))
    save_basis(scrambled, tmp_path / "basis.safetensors")
    again = load_basis(tmp_path / "basis.safetensors")
    np.testing.assert_array_equal(again.components, basis.components)
    np.testing.assert_array_equal(again.mean, basis.mean)


def test_what_is_no_basis_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(ModelError, match="got no file"):
        load_basis(path)
    path.write_bytes(b"garbage")
    with pytest.raises(ModelError, match="expected a safetensors file"):
        load_basis(path)
    save_file({"mean": np.zeros((468, 3), np.float32)}, path)
    with pytest.raises(ModelError, match=r"expected tensors .* got"):
        load_basis(path)
