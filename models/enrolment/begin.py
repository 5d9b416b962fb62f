"""How a training begins: a field of random numbers, and a rough head and backdrop in it."""

from __future__ import annotations

from collections.abc import Callable

import torch

from models.enrolment.average import WeightAverage
from models.enrolment.backdrop import prime_backdrop
from models.enrolment.batches import ErrorMap, Frames
from models.enrolment.embedding_net import EmbeddingNet
from models.enrolment.proxy import allowed_cells, head_proxy, prime_head
from models.enrolment.state import TrainState
from models.enrolment.train_config import TrainConfig
from models.face.dataset import TrackedDataset
from models.portrait.config import FieldConfig
from models.portrait.field import SpeakerField
from models.portrait.occupancy import Occupancy


def untrained(frames: Frames, config: TrainConfig, field_config: FieldConfig) -> TrainState:
    """A field and all that goes with it, before anything is learned."""
    device = frames.portraits.device
    torch.manual_seed(config.seed)
    # Drawn on the CPU, so that the same seed begins with the same field on every device.
    with torch.device("cpu"):
        field, embedding, occupancy = SpeakerField(field_config), EmbeddingNet(), Occupancy()
    field, embedding, occupancy = field.to(device), embedding.to(device), occupancy.to(device)
    _freeze(field, embedding, config.frozen)
    field.rest_translation.copy_(frames.poses[:, 3:].mean(0))
    return TrainState(
        field,
        embedding,
        occupancy,
        _optimiser(field, embedding, config),
        WeightAverage([*field.parameters(), *embedding.parameters()]),
        ErrorMap(device),
        torch.Generator(device).manual_seed(config.seed),
        frames.motion(),
    )


def rough_out(
    state: TrainState,
    dataset: TrackedDataset,
    frames: Frames,
    config: TrainConfig,
    report: Callable[[], None],
) -> None:
    """Gives the field a solid head and a backdrop to begin with: some seconds."""
    field, generator = state.field, state.generator
    proxy = head_proxy(dataset, field.head.box_min, field.head.box_max)
    proxy = proxy.to(frames.portraits.device)
    state.occupancy.allowed.copy_(allowed_cells(proxy))
    report()
    prime_head(field, proxy, config.head_steps, generator)
    state.occupancy.update(field.head)
    report()
    prime_backdrop(field, frames, dataset, config.backdrop_steps, generator)
    state.average.update(0)


def _freeze(field: SpeakerField, embedding: EmbeddingNet, names: tuple[str, ...]) -> None:
    """Sets weights to zero for good."""
    for prefix, module in (("field", field), ("embedding", embedding)):
        for name, parameter in module.named_parameters(prefix):
            if name.startswith(names):
                parameter.requires_grad_(False).zero_()


def _optimiser(
    field: SpeakerField, embedding: EmbeddingNet, config: TrainConfig
) -> torch.optim.Optimizer:
    # Adam moves whatever has a gradient by its whole rate, and a background that is known to a
    # tenth of a grey level has one in every step: noise.
    background = field.background_logits
    everything = [p for p in (*field.parameters(), *embedding.parameters()) if p is not background]
    convolutions = {id(p) for p in embedding.parameters()}
    planes = [p for p in everything if p.ndim >= 4 and id(p) not in convolutions]
    ids = {id(p) for p in planes}
    networks = [p for p in everything if id(p) not in ids]
    groups = [
        {"params": planes, "lr": config.plane_rate},
        {"params": networks, "lr": config.network_rate},
        {"params": [background], "lr": config.background_rate},
    ]
    return torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-15, fused=True)
