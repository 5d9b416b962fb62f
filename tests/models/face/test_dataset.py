from dataclasses import fields, replace

import numpy as np
import pytest
from safetensors.numpy import save_file

from models.errors import EnrolmentError
from models.face.dataset import ARRAYS, is_dataset, load_dataset, save_dataset


@pytest.fixture
def saved(dataset, tmp_path):
    save_dataset(dataset, tmp_path / "anna.dataset")
    return tmp_path / "anna.dataset"


def test_a_data_set_survives_the_way_through_a_file(dataset, saved):
    again = load_dataset(saved)
    for field in fields(dataset):
        if field.name != "face":
            np.testing.assert_array_equal(getattr(again, field.name), getattr(dataset, field.name))
    assert again.face.manifest() == dataset.face.manifest()
    np.testing.assert_array_equal(again.face.neutral, dataset.face.neutral)


def test_person_masks_are_optional(dataset, tmp_path):
    save_dataset(replace(dataset, person=None), tmp_path / "x")
    assert load_dataset(tmp_path / "x").person is None


def test_the_order_in_memory_does_not_matter(dataset, tmp_path):
    scrambled = replace(dataset, poses=np.asfortranarray(dataset.poses))
    save_dataset(scrambled, tmp_path / "x")
    np.testing.assert_array_equal(load_dataset(tmp_path / "x").poses, dataset.poses)


def test_data_sets_are_told_from_clips(saved, real_clip, tmp_path):
    save_file({"x": np.zeros(3)}, tmp_path / "other.safetensors")
    assert is_dataset(saved)
    assert not is_dataset(real_clip)
    assert not is_dataset(tmp_path / "other.safetensors")
    assert not is_dataset(tmp_path / "nowhere")


def test_what_is_no_data_set_is_refused(saved, tmp_path):
    with pytest.raises(EnrolmentError, match="got no file"):
        load_dataset(tmp_path / "nowhere")
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"not a data set at all")
    with pytest.raises(EnrolmentError, match="expected a tracked data set"):
        load_dataset(garbage)
    garbage.write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(EnrolmentError, match="expected a tracked data set"):
        load_dataset(garbage)
    save_file({"x": np.zeros(3)}, garbage)
    with pytest.raises(EnrolmentError, match="expected a data set of format"):
        load_dataset(garbage)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_fit_each_other_are_refused(dataset, tmp_path, name):
    short = replace(dataset, **{name: getattr(dataset, name)[:-1]})
    save_dataset(short, tmp_path / "x")
    with pytest.raises(EnrolmentError, match=r"expected .* got"):
        load_dataset(tmp_path / "x")
