"""The head's field for training on a CPU: what `HeadField` computes, in one pass per direction.

Torch runs a field's look-up, layers and activations one after the other over all samples, each
through memory, and its adjoint of a plane look-up is slow. Here a tile of eight samples goes
through all of it in registers (`models.enrolment.kernels`); backwards it is computed anew rather
than kept. Planes lie with their channels last, which is how `HeadField` allocates them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
import warp as wp
from torch import Tensor

from models.enrolment.kernels import programs
from models.portrait.config import FieldConfig
from models.portrait.conventions import DENSITY_BIAS
from models.portrait.head import HeadField
from models.portrait.kernels.launches import share
from models.portrait.planes import SplitPlanes

PARTS = 2
"""Threads; each part of the samples has gradients of its own."""
TILE = 8
FINE = {"static_channels": 16, "dynamic_channels": 8, "hidden": 32, "geometry_dim": 15}
COARSE = {"coarse_channels": 8}


def is_fusible(config: FieldConfig) -> bool:
    """Whether the kernels know a field of this shape."""
    return all(getattr(config, name) == size for name, size in (FINE | COARSE).items())


class FusedHead:
    """Stands in for a `HeadField` while it is trained.

    A forward pass may be differentiated until the next one, not later. Its threads end when
    nobody holds it any more.

    Args:
        head: of a shape that is fusible, on the CPU.
        config: its shape.
        frames: most frames of a step.
        samples: most samples of a step, of either field.

    Attributes:
        fine_count: samples a ray in the fine field.
        coarse_count: samples a ray in the coarse field.
    """

    def __init__(self, head: HeadField, config: FieldConfig, frames: int, samples: int) -> None:
        wp.config.log_level = wp.LOG_ERROR
        wp.init()  # type: ignore[no-untyped-call]
        self.fine_count, self.coarse_count = head.fine_count, head.coarse_count
        self._head = head
        self._pool = ThreadPoolExecutor(PARTS, thread_name_prefix="train")
        self._fine = _Memory(programs.step_fine, head.static, config, frames, samples, self._pool)
        self._coarse = _Memory(
            programs.step_coarse, head.coarse_planes, config, frames, samples, self._pool
        )

    def fine(
        self, planes: Tensor | SplitPlanes, points: Tensor, code: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `HeadField.fine` of split planes; points of a frame come in multiples of 8."""
        assert isinstance(planes, SplitPlanes)
        head = self._head
        hidden_bias = head.colour1.bias + head.colour_code(code)
        sigma, rgb = _Fine.apply(  # type: ignore[no-untyped-call]
            self._fine,
            self._position(points),
            planes.static,
            planes.dynamic,
            hidden_bias,
            head.density1.weight,
            head.density1.bias,
            head.density2.weight,
            head.density2.bias,
            head.colour1.weight,
            head.colour2.weight,
            head.colour2.bias,
            head.colour_direct.weight,
        )
        return sigma.reshape(points.shape[:-1]), rgb.reshape(points.shape)

    def coarse(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """As `HeadField.coarse`; points come in multiples of 8 and get no gradient."""
        head = self._head
        sigma, rgb = _Coarse.apply(  # type: ignore[no-untyped-call]
            self._coarse,
            self._position(points.detach()),
            head.coarse_planes,
            head.coarse1.weight,
            head.coarse1.bias,
            head.coarse2.weight,
            head.coarse2.bias,
        )
        return sigma.reshape(points.shape[:-1]), rgb.reshape(points.shape)

    def _position(self, points: Tensor) -> Tensor:
        low, high = self._head.box_min, self._head.box_max
        return ((points - low) / (high - low)).reshape(-1, 3)


class _Memory:
    """What one field's kernel reads and writes, allocated and bound once."""

    def __init__(
        self,
        kernel: wp.Kernel,
        planes: Tensor,
        config: FieldConfig,
        frames: int,
        samples: int,
        pool: ThreadPoolExecutor,
    ) -> None:
        nodes = config.dynamic_cells + 1
        size = samples + TILE
        self._pool = pool
        self._planes = _channels_last(planes)
        self.dynamic = torch.zeros(frames, 3, nodes, nodes, FINE["dynamic_channels"])
        self.hidden_bias = torch.zeros(frames, FINE["hidden"])
        self.weights = torch.zeros(1 << 14)
        self.position = torch.zeros(size, 3)
        self.sigma, self.d_sigma = torch.zeros(size), torch.zeros(size)
        self.d_position = torch.zeros(size, 3)
        self.rgb, self.d_rgb = torch.zeros(size, 3), torch.zeros(size, 3)
        self.d_planes = torch.zeros(PARTS, *self._planes.shape)
        self.d_dynamic = torch.zeros(PARTS, *self.dynamic.shape)
        self.d_weights = torch.zeros(PARTS, self.weights.numel())
        self._counts = np.zeros(2, np.int32)
        step = programs.FieldStep()
        for name, tensor in {
            "static_planes": self._planes,
            "dynamic_planes": self.dynamic,
            "hidden_bias": self.hidden_bias,
            "weights": self.weights,
            "position": self.position,
            "sigma": self.sigma,
            "rgb": self.rgb,
            "d_sigma": self.d_sigma,
            "d_rgb": self.d_rgb,
            "d_position": self.d_position,
            "d_static": self.d_planes,
            "d_dynamic": self.d_dynamic,
            "d_weights": self.d_weights,
        }.items():
            setattr(step, name, share(tensor.detach().reshape(-1).numpy()))
        step.counts = share(self._counts, wp.int32)
        step.cells = planes.shape[-1] - 1
        step.dynamic_cells = config.dynamic_cells
        step.most_frames, step.parts = frames, PARTS
        step.weight_size, step.density_bias = self.weights.numel(), DENSITY_BIAS
        self._launches = [
            [
                wp.launch(kernel, 1, [step, part, int(back)], device="cpu", record_cmd=True)
                for part in range(PARTS)
            ]
            for back in (False, True)
        ]
        self.forwards = 0

    def forward(self, position: Tensor, frames: int, weights: list[Tensor]) -> tuple[Tensor, ...]:
        """Density and colour of samples, after `dynamic` and `hidden_bias` are set."""
        count = len(position)
        assert count % (TILE * frames) == 0, (count, frames)
        self.forwards += 1
        self._counts[:] = count, count // frames
        self.position[:count] = position
        at = 0
        for weight in weights:
            self.weights[at : at + weight.numel()] = weight.reshape(-1)
            at += weight.numel()
        self._run(backward=False)
        return self.sigma[:count].clone(), self.rgb[:count].clone()

    def backward(self, d_sigma: Tensor, d_rgb: Tensor) -> None:
        """Fills the gradients, of all parts."""
        self.d_sigma[: len(d_sigma)] = d_sigma
        self.d_rgb[: len(d_rgb)] = d_rgb
        for gradient in (self.d_planes, self.d_dynamic, self.d_weights):
            gradient.zero_()
        self._run(backward=True)

    def gradients(self, shapes: list[tuple[int, ...]]) -> list[Tensor]:
        """The layers' gradients, in the kernel's order."""
        total = self.d_weights.sum(0)
        sizes = [int(np.prod(shape)) for shape in shapes]
        parts = total[: sum(sizes)].split(sizes)  # type: ignore[no-untyped-call]
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def _run(self, *, backward: bool) -> None:
        for _ in self._pool.map(lambda launch: launch.launch(), self._launches[backward]):
            pass


class _Fine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, memory: _Memory, position: Tensor, *parameters: Tensor) -> Any:
        _, dynamic, hidden_bias, w1, b1, w2, b2, v1, v2, c2, direct = parameters
        frames = len(dynamic)
        memory.dynamic[:frames] = dynamic.permute(0, 1, 3, 4, 2)
        memory.hidden_bias[:frames] = hidden_bias
        # The colour sees the geometry's numbers and not, in their first place, the density.
        features = w1.shape[1]
        v1 = torch.cat([v1[:, :features], torch.zeros(len(v1), 1), v1[:, features:]], 1)
        padding = torch.zeros(TILE - len(c2))
        weights = [w1.T, w1, b1, w2.T, w2, b2, v1.T, v1, v2, c2, padding, direct]
        outputs = memory.forward(position, frames, weights)
        ctx.memory, ctx.run, ctx.frames = memory, memory.forwards, frames
        ctx.shapes = [
            tuple(t.shape) for t in (w1, b1, w2, b2, v1, v2, torch.cat([c2, padding]), direct)
        ]
        return outputs

    @staticmethod
    def backward(ctx: Any, d_sigma: Tensor, d_rgb: Tensor) -> Any:
        memory, frames = ctx.memory, ctx.frames
        assert ctx.run == memory.forwards, "only the last forward pass can be differentiated"
        memory.backward(d_sigma, d_rgb)
        shapes = [*ctx.shapes, (frames, FINE["hidden"])]
        w1, b1, w2, b2, v1, v2, c2, direct, hidden = memory.gradients(shapes)
        features = w1.shape[1]
        v1 = torch.cat([v1[:, :features], v1[:, features + 1 :]], 1)
        d_static = memory.d_planes.sum(0).permute(0, 3, 1, 2)
        d_dynamic = memory.d_dynamic[:, :frames].sum(0).permute(0, 1, 4, 2, 3)
        layers = (w1, b1, w2, b2, v1, v2, c2[:3], direct)
        d_position = memory.d_position[: len(d_sigma)].clone()
        return None, d_position, d_static, d_dynamic, hidden, *layers


class _Coarse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, memory: _Memory, position: Tensor, *parameters: Tensor) -> Any:
        _, w1, b1, w2, b2 = parameters
        outputs = memory.forward(position, 1, [w1.T, w1, b1, w2, b2])
        ctx.memory, ctx.run = memory, memory.forwards
        ctx.shapes = [tuple(t.shape) for t in (w1, b1, w2, b2)]
        return outputs

    @staticmethod
    def backward(ctx: Any, d_sigma: Tensor, d_rgb: Tensor) -> Any:
        memory = ctx.memory
        assert ctx.run == memory.forwards, "only the last forward pass can be differentiated"
        memory.backward(d_sigma, d_rgb)
        d_planes = memory.d_planes.sum(0).permute(0, 3, 1, 2)
        return None, None, d_planes, *memory.gradients(ctx.shapes)


def _channels_last(planes: Tensor) -> Tensor:
    """(3, C, P, P) planes as the (3, P, P, C) that they are in memory."""
    last = planes.detach().permute(0, 2, 3, 1)
    assert last.is_contiguous(), "planes are allocated with channels last"
    return last
