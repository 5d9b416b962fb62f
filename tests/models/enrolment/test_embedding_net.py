"""What is trained in torch is what the sender computes in numpy."""

import numpy as np
import torch

from models.enrolment.embedding_net import EmbeddingNet
from models.face.embedding import EmbeddingWeights, embed


def test_the_numpy_embedding_is_the_trained_network() -> None:
    torch.manual_seed(3)
    net = EmbeddingNet()
    rng = np.random.default_rng(3)
    mean = rng.random((96, 96, 3), np.float32)
    face = rng.integers(0, 256, (96, 96, 3), np.uint8)
    coefficients = rng.standard_normal(79).astype(np.float32)
    tensors = {f"embedding.{k}": v.numpy() for k, v in net.state_dict().items()}
    tensors["embedding.mean_crop"] = mean
    tensors["embedding.spread"] = np.ones(30, np.float32)
    ours = embed(EmbeddingWeights.from_tensors(tensors), coefficients, face)
    picture = (torch.from_numpy(face / np.float32(255)) - torch.from_numpy(mean)) * 4
    theirs = net(torch.from_numpy(coefficients)[None], picture.permute(2, 0, 1)[None].float())
    assert np.allclose(ours, theirs.detach().numpy()[0], atol=1e-4)
