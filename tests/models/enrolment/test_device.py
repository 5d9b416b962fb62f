"""Nothing in training takes its device for granted."""

from dataclasses import replace
from pathlib import Path

import torch

from models.enrolment.code_axes import align_code
from models.enrolment.train import train
from models.enrolment.watch import Watch
from models.face.dataset import TrackedDataset
from tests.models.enrolment.test_state import SHORT, Clock
from tests.models.enrolment.test_train import SMALL


def test_every_tensor_is_made_where_the_field_is(tracked: TrackedDataset, tmp_path: Path) -> None:
    """A tensor made without saying where would be made on `meta` here, and nothing on the
    device could be computed with it; a generator likewise."""
    watch = Watch(Clock(20.0), tmp_path / "training", tmp_path / "preview.png")
    config = replace(SHORT, max_steps=3, occupancy_every=2)
    with torch.device("meta"):
        trained = train(tracked, config, SMALL, device="cpu", watch=watch)
        align_code(trained.field, trained.embedding, trained.codes)
    assert (tmp_path / "training").is_file() and (tmp_path / "preview.png").is_file()
    places = {str(p.device) for p in [*trained.field.parameters(), *trained.embedding.parameters()]}
    assert places == {"cpu"}
    assert torch.isfinite(trained.codes).all()
