"""The kernel of the closed loop: how the picture answers to the frame's numbers.

A module of its own, so that a receiver need not compile it. It holds nothing but the kernel, for
the reason that `programs` gives.
"""

from importlib.resources import files

import warp as wp

from models.portrait.kernels.programs import Blend, Head, Torso, View

wp.set_module_options(
    {"enable_backward": False, "cpu_compiler_flags": "-march=native -ffp-contract=fast"}
)


def _native() -> str:
    folder = files(__package__)
    names = ("simd", "bend", "jacobian")
    return "".join((folder / f"{name}.inc").read_text() for name in names)


@wp.func_native(_native())
def differentiate(
    head: Head,
    torso: Torso,
    blend: Blend,
    frame: View,
    lowest: wp.vec3,
    extent: wp.vec3,
    size: int,
    pixel: int,
    near: float,
    far: float,
    item: int,
    colours: wp.array(dtype=wp.float32),
    halfway: wp.array(dtype=wp.float32),
    rows: wp.array(dtype=wp.float32),
):
    """One pixel: its colour, where its ray is bent, and the three rows of the Jacobian."""
    ...


@wp.kernel
def differentiate_pixels(
    head: Head,
    torso: Torso,
    blend: Blend,
    frame: View,
    lowest: wp.vec3,
    extent: wp.vec3,
    size: int,
    tiles: int,
    node_near: wp.array(dtype=wp.float32),
    node_far: wp.array(dtype=wp.float32),
    pixels: wp.array(dtype=wp.int32),
    first: int,
    colours: wp.array(dtype=wp.float32),
    halfway: wp.array(dtype=wp.float32),
    rows: wp.array(dtype=wp.float32),
):
    """One pixel a thread."""
    item = wp.tid() + first
    pixel = pixels[item]
    column = (2 * (pixel % size) + 1) * tiles // (2 * size)
    row = (2 * (pixel // size) + 1) * tiles // (2 * size)
    near = float(1.0e6)  # noqa: UP018
    far = float(-1.0e6)  # noqa: UP018
    for j in range(row, row + 2):
        for i in range(column, column + 2):
            near = wp.min(near, node_near[j * (tiles + 1) + i])
            far = wp.max(far, node_far[j * (tiles + 1) + i])
    differentiate(
        head,
        torso,
        blend,
        frame,
        lowest,
        extent,
        size,
        pixel,
        near,
        far,
        item,
        colours,
        halfway,
        rows,
    )
