import numpy as np

from codec.sensitivity import Sensitivity
from codec.signal import PERSON
from tests.codec.test_signal import mixed_model


def test_errors_cost_the_same_by_numbers_and_by_components():
    model = mixed_model()
    rng = np.random.default_rng(0)
    root = rng.standard_normal((PERSON, PERSON)) / model.basis.diagonal()[:PERSON]
    sensitivity = Sensitivity(root.T @ root, rng.standard_normal(PERSON))
    price = sensitivity.price(model)
    error = rng.standard_normal(PERSON)
    numbers = error @ model.basis[:PERSON, :PERSON].astype(float)
    assert np.isclose(error @ price.curvature @ error, numbers @ sensitivity.curvature @ numbers)
    assert np.isclose(price.slope @ error, sensitivity.slope @ numbers)
