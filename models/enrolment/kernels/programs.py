"""The kernels of a training step, for NVIDIA Warp on a CPU.

Each does one part of the samples, forwards or backwards; a part has gradient memory of its own,
so that parts run side by side and sums have one order. The `.inc` files are C++ that Warp's own
clang compiles. This module holds nothing but kernels: a module-level value that has the name of
a kernel's argument would enter Warp's cache key and compile everything anew at every start.
"""

from importlib.resources import files

import warp as wp

wp.set_module_options(
    {"enable_backward": False, "cpu_compiler_flags": "-march=native -ffp-contract=fast"}
)


def _native(name: str) -> str:
    simd = files("models.portrait.kernels") / "simd.inc"
    folder = files(__package__)
    return "".join(file.read_text() for file in (simd, folder / "tile.inc", folder / f"{name}.inc"))


@wp.struct
class FieldStep:
    """A field's planes and layers, its samples, and where gradients go."""

    static_planes: wp.array(dtype=wp.float32)  # (3, cells + 1, cells + 1, channels)
    dynamic_planes: wp.array(dtype=wp.float32)  # (F, 3, dynamic + 1, dynamic + 1, 8)
    hidden_bias: wp.array(dtype=wp.float32)  # (F, 32) of the colour's hidden layer
    weights: wp.array(dtype=wp.float32)  # layers, and transposed those that are read forwards
    position: wp.array(dtype=wp.float32)  # (samples, 3) in the box, 0..1
    sigma: wp.array(dtype=wp.float32)  # (samples,)
    rgb: wp.array(dtype=wp.float32)  # (samples, 3)
    d_sigma: wp.array(dtype=wp.float32)
    d_rgb: wp.array(dtype=wp.float32)
    d_position: wp.array(dtype=wp.float32)  # (samples, 3)
    d_static: wp.array(dtype=wp.float32)  # (parts, as static_planes)
    d_dynamic: wp.array(dtype=wp.float32)  # (parts, most_frames, as one of dynamic_planes)
    d_weights: wp.array(dtype=wp.float32)  # (parts, weight_size)
    counts: wp.array(dtype=wp.int32)  # samples, samples per frame; both multiples of 8
    cells: int
    dynamic_cells: int
    most_frames: int
    weight_size: int
    parts: int
    density_bias: float


@wp.func_native(_native("fine"))
def fine_part(net: FieldStep, part: int, backward: int):
    """Runs the fine field."""
    ...


@wp.func_native(_native("coarse"))
def coarse_part(net: FieldStep, part: int, backward: int):
    """Runs the coarse field."""
    ...


@wp.kernel
def step_fine(net: FieldStep, part: int, backward: int):
    """One part of the fine field's samples."""
    fine_part(net, part, backward)


@wp.kernel
def step_coarse(net: FieldStep, part: int, backward: int):
    """One part of the coarse field's samples."""
    coarse_part(net, part, backward)
