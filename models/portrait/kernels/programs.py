"""The kernels: how a frame is drawn on a CPU, for NVIDIA Warp.

What runs per sample is written in vectors of eight floats (the `.inc` files, C++ that Warp's own
clang compiles); the rest is Warp's Python. Every kernel takes the index of its first item, so
that several threads share a launch's work; what one item writes depends on no other item, so
the picture does not depend on how the work was shared.

This module holds nothing but kernels: a module-level value that has the name of a kernel's
argument would enter Warp's cache key and compile everything anew at every start.
"""

# A variable that a loop changes must be made by float() or int(): a literal is a constant to Warp.
# ruff: noqa: UP018

from importlib.resources import files

import warp as wp

wp.set_module_options(
    {"enable_backward": False, "cpu_compiler_flags": "-march=native -ffp-contract=fast"}
)

v32 = wp.types.vector(32, wp.float32)
v48 = wp.types.vector(48, wp.float32)


def _native(*names: str) -> str:
    folder = files(__package__)
    return "".join((folder / f"{name}.inc").read_text() for name in ("simd", *names))


@wp.struct
class Blend:
    """Expression planes and the static planes that they are added to; first layers applied."""

    basis: wp.array(dtype=wp.float32)  # (3·(coarse + 1)², channels, count)
    project: wp.array(dtype=wp.float32)  # (3, channels, 72)
    density: wp.array(dtype=wp.float16)  # (3·(fine + 1)², 32)
    colour: wp.array(dtype=wp.float16)  # (3·(fine + 1)², 40)
    plane: int
    channels: int
    count: int
    coarse: int
    fine: int


@wp.struct
class Lattice:
    """The coarse field, occupancy included."""

    density: wp.array(dtype=wp.float32)  # (3·(cells + 1)², 16)
    density_row: wp.array(dtype=wp.float32)  # (16,)
    density_bias: float
    cells: int
    samples: int
    occupied: wp.array(dtype=wp.uint8)  # (occupancy_cells³,)
    occupancy_cells: int
    probes: int
    max_depth: float
    seen: float
    tiles: int


@wp.struct
class Head:
    """The fine field of the frame, in half precision: twice as much of it fits into caches."""

    density: wp.array(dtype=wp.float16)  # (3·(cells + 1)², 32)
    colour: wp.array(dtype=wp.float16)  # (3·(cells + 1)², 40): 32 hidden, 3 direct, 5 unused
    density_row: wp.array(dtype=wp.float32)  # (32,)
    density_bias: float
    geometry: wp.array(dtype=wp.float32)  # (32 in, 32 out)
    colour_rows: wp.array(dtype=wp.float32)  # (3, 32)
    cells: int
    bend_cells: int
    samples: int
    opaque: float
    dim: float
    faint: float
    looked: wp.array(dtype=wp.int32)  # (tiles², 2): samples of the last picture, and coloured ones


@wp.struct
class Torso:
    """The torso's plane and the background."""

    plane: wp.array(dtype=wp.float32)  # ((cells + 1)², 32)
    rows: wp.array(dtype=wp.float32)  # (4, 32)
    bias: wp.array(dtype=wp.float32)  # (4,)
    cells: int
    warp_cells: int
    span: float
    background: wp.array(dtype=wp.float32)  # (background_height, background_width, 3)
    background_width: int
    background_height: int
    covered: float


@wp.struct
class View:
    """What changes with every frame."""

    mix: wp.array(dtype=wp.float32)  # (count,)
    rays: wp.array(dtype=wp.float32)  # (4, 3): origin, direction at (0, 0), its change with u, v
    bend: wp.array(dtype=wp.float32)  # ((bend_cells + 1)³, 4): x, y, z in box sides, unused
    colour_bias: wp.array(dtype=wp.float32)  # (32,)
    torso_bias: wp.array(dtype=wp.float32)  # (32,)
    motion: wp.array(dtype=wp.float32)  # (2, 3), frame → reference
    behind: wp.array(dtype=wp.float32)  # (2, 3), frame → pixels of the background
    warp_bias: wp.array(dtype=wp.float32)  # (48,)
    warp: wp.array(dtype=wp.float32)  # ((warp_cells + 1)², 2)


@wp.func_native(_native("blend"))
def blend_node(
    blend: Blend, mix: wp.array(dtype=wp.float32), node: int, moving: wp.array(dtype=wp.float32)
):
    """Blends the expression planes at a node and applies the first layers."""
    ...


@wp.func_native(_native("upsample"))
def upsample_row(
    blend: Blend,
    moving: wp.array(dtype=wp.float32),
    row: int,
    density: wp.array(dtype=wp.float16),
    colour: wp.array(dtype=wp.float16),
):
    """Adds the blended planes, upsampled, to a row of nodes of the static ones."""
    ...


@wp.func_native(_native("lattice"))
def look(
    lattice: Lattice,
    frame: View,
    node: int,
    cdf: wp.array(dtype=wp.float32),
    near: wp.array(dtype=wp.float32),
    far: wp.array(dtype=wp.float32),
):
    """Looks along the ray through a corner: the depths between which it sees the coarse field."""
    ...


@wp.func_native(_native("bend", "head"))
def march(
    head: Head,
    frame: View,
    size: int,
    tile: int,
    left: int,
    top: int,
    width: int,
    first: int,
    count: int,
    near: float,
    far: float,
    samples: int,
) -> v32:
    """Marches up to eight rays: premultiplied colour and what light is left."""
    ...


@wp.func_native(_native("backdrop"))
def draw(
    torso: Torso,
    frame: View,
    size: int,
    left: int,
    top: int,
    width: int,
    first: int,
    count: int,
    seen: v32,
    picture: wp.array(dtype=wp.uint8),
):
    """Draws up to eight pixels: the head over the torso over the background."""
    ...


@wp.kernel
def blend_planes(blend: Blend, frame: View, first: int, moving: wp.array(dtype=wp.float32)):
    """One node of the blended expression planes a thread."""
    blend_node(blend, frame.mix, wp.tid() + first, moving)


@wp.kernel
def add_planes(
    blend: Blend,
    moving: wp.array(dtype=wp.float32),
    first: int,
    density: wp.array(dtype=wp.float16),
    colour: wp.array(dtype=wp.float16),
):
    """One row of nodes of the frame's planes a thread."""
    upsample_row(blend, moving, wp.tid() + first, density, colour)


@wp.kernel
def warp_torso(
    nodes: wp.array(dtype=v48),
    layer2: wp.array(dtype=v48),
    bias2: wp.array(dtype=v48),
    layer3: wp.array(dtype=v48),
    bias3: wp.vec2,
    frame: View,
    first: int,
):
    """One node of the torso's residual warp a thread."""
    node = wp.tid() + first
    hidden = nodes[node]
    out = bias2[0]
    for i in range(48):
        out += layer2[i] * wp.max(hidden[i] + frame.warp_bias[i], 0.0)
    x = bias3[0]
    y = bias3[1]
    for i in range(48):
        value = wp.max(out[i], 0.0)
        x += layer3[0][i] * value
        y += layer3[1][i] * value
    frame.warp[2 * node] = x * 0.1
    frame.warp[2 * node + 1] = y * 0.1


@wp.kernel
def see_lattice(
    lattice: Lattice,
    frame: View,
    first: int,
    cdf: wp.array(dtype=wp.float32),
    near: wp.array(dtype=wp.float32),
    far: wp.array(dtype=wp.float32),
):
    """One corner of the tiles a thread: the depths between which its ray sees the coarse field."""
    node = wp.tid() + first
    near[node] = 1.0e6
    far[node] = -1.0e6
    look(lattice, frame, node, cdf, near, far)


@wp.kernel
def draw_tiles(
    head: Head,
    torso: Torso,
    frame: View,
    tiles: int,
    size: int,
    node_near: wp.array(dtype=wp.float32),
    node_far: wp.array(dtype=wp.float32),
    first: int,
    picture: wp.array(dtype=wp.uint8),
):
    """One tile of the picture a thread."""
    tile = wp.tid() + first
    column = tile % tiles
    row = tile // tiles
    # A tile sees what its corners see.
    near = float(1.0e6)
    far = float(-1.0e6)
    for j in range(row, row + 2):
        for i in range(column, column + 2):
            near = wp.min(near, node_near[j * (tiles + 1) + i])
            far = wp.max(far, node_far[j * (tiles + 1) + i])
    # Pixels whose centre lies in the tile: (2·i + 1) / (2·size) in [column, column + 1) / tiles.
    left = (2 * size * column + tiles - 1) // (2 * tiles)
    right = (2 * size * (column + 1) + tiles - 1) // (2 * tiles)
    top = (2 * size * row + tiles - 1) // (2 * tiles)
    bottom = (2 * size * (row + 1) + tiles - 1) // (2 * tiles)
    width = right - left
    pixels = width * (bottom - top)
    head.looked[2 * tile] = 0
    head.looked[2 * tile + 1] = 0
    for group in range((pixels + 7) // 8):
        begin = group * 8
        count = wp.min(pixels - begin, 8)
        seen = v32()
        if far > near:
            seen = march(
                head,
                frame,
                size,
                tile,
                left,
                top,
                width,
                begin,
                count,
                near,
                far,
                head.samples,
            )
        else:
            for lane in range(24, 32):
                seen[lane] = 1.0
        draw(torso, frame, size, left, top, width, begin, count, seen, picture)
