import numpy as np
import pytest
import torch
from torch.nn import functional

from models.errors import SpeakerFileError
from models.face.embedding import PREFIX, EmbeddingWeights, embed


def torch_twin(weights, coefficients, face):
    """The same network said in torch, as it is trained."""
    w = {name: torch.from_numpy(tensor) for name, tensor in weights.tensors.items()}
    x = ((torch.from_numpy(face).float() / 255 - w["mean_crop"]) * 4).permute(2, 0, 1)[None]
    for name, padding in (("conv1", 2), ("conv2", 1), ("conv3", 1), ("conv4", 1)):
        x = functional.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], 2, padding).relu()
    c = torch.from_numpy(coefficients)

    def linear(name, value):
        return functional.linear(value, w[f"{name}.weight"], w[f"{name}.bias"])

    expression = linear("expression_tokens", c).view(4, 48) + w["expression_position"]
    tokens = torch.cat([x[0].flatten(1).T + w["patch_position"], expression])

    def heads(value):
        return value.view(-1, 4, 12).transpose(0, 1)[None]

    pooled = functional.scaled_dot_product_attention(
        heads(w["queries"]),
        heads(tokens @ w["key.weight"].T),
        heads(tokens @ w["value.weight"].T),
    )
    pooled = pooled[0].transpose(0, 1).reshape(-1)
    summary = torch.cat(
        [
            pooled,
            linear("patch_summary", x.flatten()).relu(),
            linear("coefficient_summary", c).relu(),
        ]
    )
    return linear("output", linear("hidden", summary).relu()).numpy()


@pytest.mark.parametrize("seed", range(3))
def test_numpy_and_torch_agree(weights, seed):
    rng = np.random.default_rng(seed)
    c = rng.normal(0, 1, 79).astype(np.float32)
    face = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    out = embed(weights, c, face)
    assert out.shape == (30,)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, torch_twin(weights, c, face), atol=2e-5)


def test_both_inputs_count(weights):
    rng = np.random.default_rng(0)
    c = rng.normal(0, 1, 79).astype(np.float32)
    face = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    out = embed(weights, c, face)
    assert np.abs(embed(weights, -c, face) - out).max() > 1e-3
    assert np.abs(embed(weights, c, face[::-1]) - out).max() > 1e-3


def test_weights_survive_the_way_through_a_file(weights):
    again = EmbeddingWeights.from_tensors({**weights.to_tensors(), "field.other": np.zeros(3)})
    for name, tensor in weights.tensors.items():
        np.testing.assert_array_equal(again.tensors[name], tensor)


def test_absurd_weights_are_refused(weights):
    good = weights.to_tensors()
    missing = {name: tensor for name, tensor in good.items() if name != PREFIX + "queries"}
    with pytest.raises(SpeakerFileError, match=r"expected the 25 tensors .* queries"):
        EmbeddingWeights.from_tensors(missing)
    with pytest.raises(SpeakerFileError, match="differ in surprise"):
        EmbeddingWeights.from_tensors(good | {PREFIX + "surprise": np.zeros(3)})
    with pytest.raises(SpeakerFileError, match=r"hidden.bias: expected shape \(64,\), got \(65,\)"):
        EmbeddingWeights.from_tensors(good | {PREFIX + "hidden.bias": np.zeros(65)})
    with pytest.raises(SpeakerFileError, match="expected finite numbers"):
        EmbeddingWeights.from_tensors(good | {PREFIX + "hidden.bias": np.full(64, np.nan)})
