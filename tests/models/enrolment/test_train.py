"""A short training on a real face learns something, repeatably."""

import torch

from models.enrolment.train import Trained, TrainProgress, train
from models.enrolment.train_config import TrainConfig
from models.face.dataset import TrackedDataset
from models.portrait.config import FieldConfig

SMALL = FieldConfig(
    static_cells=32, dynamic_cells=16, coarse_cells=16, torso_cells=64, background_px=64
)
SHORT = TrainConfig(seconds=600, max_steps=15, pixels_per_frame=256)


def _train(tracked: TrackedDataset) -> tuple[Trained, list[TrainProgress]]:
    progress: list[TrainProgress] = []
    torch.set_num_threads(1)  # sums in one order
    return train(tracked, SHORT, SMALL, progress.append), progress


def test_the_error_falls_and_the_same_seed_gives_the_same_field(tracked: TrackedDataset) -> None:
    first, progress = _train(tracked)
    steps = [p for p in progress if p.psnr_db is not None]
    assert [p.step for p in steps] == list(range(1, 16))
    errors_db = [p.psnr_db for p in steps if p.psnr_db is not None]
    assert errors_db[-1] > errors_db[0] + 1.0
    assert progress[0].step == 0, "roughing out the head takes seconds, and says so"
    assert first.codes.shape == (len(tracked), 30)
    assert torch.isfinite(first.codes).all()
    second, _ = _train(tracked)
    for name, tensor in first.field.state_dict().items():
        assert torch.equal(tensor, second.field.state_dict()[name]), name
