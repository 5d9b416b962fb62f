"""Everything that a training step changes, and its way into a file and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.enrolment.average import WeightAverage
from models.enrolment.batches import ErrorMap
from models.enrolment.embedding_net import EmbeddingNet
from models.errors import EnrolmentError
from models.portrait.field import SpeakerField
from models.portrait.occupancy import Occupancy

FORMAT = "nerfcall-training-3"


@dataclass(slots=True)
class TrainState:
    """A training between two steps.

    Attributes:
        field: being learned.
        embedding: being learned.
        occupancy: of the field.
        optimiser: over both.
        average: of both's weights.
        errors: where in the portrait training still errs.
        generator: of the steps' randomness.
        motion: (N, 12) poses and torso motions of all frames, as last measured.
        mean_error: running mean of the squared error of training pixels.
        step: steps done.
        refined: how often the frames have been measured anew.
        elapsed_s: seconds of training until here.
        held_out_db: PSNR of the held-out frames when they were last looked at; None before.
    """

    field: SpeakerField
    embedding: EmbeddingNet
    occupancy: Occupancy
    optimiser: torch.optim.Optimizer
    average: WeightAverage
    errors: ErrorMap
    generator: torch.Generator
    motion: Tensor
    mean_error: float = field(default=0.05)
    step: int = field(default=0)
    refined: int = field(default=0)
    elapsed_s: float = field(default=0.0)
    held_out_db: float | None = field(default=None)

    def save(self, path: Path) -> None:
        """Writes a checkpoint, in one piece or not at all."""
        tensors = {name: t.detach().cpu().contiguous() for name, t in self._tensors().items()}
        tensors |= self._moments()
        tensors["random"] = self.generator.get_state()
        figures = {
            "mean_error": self.mean_error,
            "step": self.step,
            "refined": self.refined,
            "elapsed_s": self.elapsed_s,
            "held_out_db": self.held_out_db,
        }
        temporary = path.with_name(f"{path.name}.part")
        save_file(tensors, temporary, {"format": FORMAT, "figures": json.dumps(figures)})
        temporary.replace(path)

    @torch.no_grad()
    def load(self, path: Path) -> None:
        """Goes back to a checkpoint, whatever device it was made on.

        Raises:
            EnrolmentError: not a checkpoint, or one of a training of another shape.
        """
        try:
            with safe_open(path, "pt") as file:
                metadata: dict[str, str] = file.metadata() or {}
                found: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            figures = json.loads(metadata.get("figures", ""))
        except (SafetensorError, OSError, ValueError) as error:
            raise EnrolmentError(f"{path}: expected a checkpoint, got {error}") from error
        ours = self._tensors()
        theirs = {name: t for name, t in found.items() if not name.startswith(("adam.", "random"))}
        odd = {name: tuple(t.shape) for name, t in ours.items()}.items() ^ {
            name: tuple(t.shape) for name, t in theirs.items()
        }.items()
        if metadata.get("format") != FORMAT or odd or "random" not in found:
            names = ", ".join(sorted({name for name, _ in odd})[:3]) or metadata.get("format")
            raise EnrolmentError(
                f"{path}: expected a checkpoint of this version of nerfcall, got another "
                f"({names}); begin anew without resuming"
            )
        for name, tensor in ours.items():
            tensor.copy_(found[name])
        self._take_moments(found)
        # A generator of another kind of device has a state of another kind: it begins anew.
        state = found["random"]
        if state.shape == self.generator.get_state().shape:
            self.generator.set_state(state)
        self.mean_error = float(figures["mean_error"])
        self.step = int(figures["step"])
        self.refined = int(figures["refined"])
        self.elapsed_s = float(figures["elapsed_s"])
        self.held_out_db = figures["held_out_db"]

    def _tensors(self) -> dict[str, Tensor]:
        """Everything but the optimiser's: the tensors themselves, not copies."""
        tensors = {f"field.{name}": t for name, t in self.field.state_dict().items()}
        tensors |= {f"embedding.{name}": t for name, t in self.embedding.state_dict().items()}
        tensors |= {f"average.{i}": t for i, t in enumerate(self.average.tensors)}
        tensors["motion"] = self.motion
        tensors["occupied"] = self.occupancy.occupied
        tensors["allowed"] = self.occupancy.allowed
        tensors["errors"] = self.errors.errors
        return tensors

    def _moments(self) -> dict[str, Tensor]:
        """The optimiser's state, by the number of its parameter."""
        return {
            f"adam.{i}.{name}": value.detach().cpu().contiguous()
            for i, moments in self.optimiser.state_dict()["state"].items()
            for name, value in moments.items()
        }

    def _take_moments(self, found: dict[str, Tensor]) -> None:
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        moments: dict[int, dict[str, Tensor]] = {}
        for key, tensor in found.items():
            if key.startswith("adam."):
                _, number, name = key.split(".")
                parameter = parameters[int(number)]
                if tensor.shape == parameter.shape:
                    # In memory as the parameter is: the fused optimiser counts on it.
                    tensor = torch.empty_like(parameter).copy_(tensor)
                moments.setdefault(int(number), {})[name] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
