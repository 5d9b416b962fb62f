"""Turning the code's axes changes no picture and uncorrelates its channels."""

import torch

from models.enrolment.code_axes import align_code
from models.enrolment.embedding_net import EmbeddingNet
from models.portrait.config import FieldConfig
from models.portrait.field import FrameInputs, SpeakerField

SMALL = FieldConfig(
    static_cells=16, dynamic_cells=8, coarse_cells=8, torso_cells=16, background_px=16
)


def test_field_and_embedding_still_agree_and_channels_are_uncorrelated() -> None:
    torch.manual_seed(0)
    field, net = SpeakerField(SMALL), EmbeddingNet()
    coefficients, pictures = torch.randn(40, 79), torch.randn(40, 3, 96, 96)
    pose = torch.zeros(40, 3), torch.zeros(40, 3), torch.zeros(40, 6), torch.zeros(40, 4)
    with torch.no_grad():
        before = net(coefficients, pictures)
        codes_before = field.consistency_code(FrameInputs(before, *pose))
        planes_before = field.head.planes(before)
        turned = align_code(field, net, before)
        after = net(coefficients, pictures)
        code = field.consistency_code(FrameInputs(after, *pose))
    assert torch.allclose(after, turned, atol=1e-4)
    assert torch.allclose(field.head.planes(after), planes_before, atol=1e-4)
    assert torch.allclose(code, codes_before, atol=1e-4)
    covariance = after.T @ after / len(after)
    off_diagonal = covariance - torch.diag(covariance.diagonal())
    assert off_diagonal.abs().max() < 1e-4 * covariance.diagonal().max() + 1e-6
    assert (covariance.diagonal()[:-1] >= covariance.diagonal()[1:] - 1e-6).all()
