"""The kernels: how a frame is drawn on a CPU, for NVIDIA Warp.

What runs per sample is written in vectors of eight floats (the `.inc` files, C++ that Warp's own
clang compiles); the rest is Warp's Python. Every kernel takes the index of its first item, so
that several threads share a launch's work; what one item writes depends on no other item, so
the picture does not depend on how the work was shared.

This module holds nothing but kernels: a module-level value that has the name of a kernel's
argument would enter Warp's cache key and compile everything anew at every start.
"""

# A variable that a loop changes must be made by float() or int(): a literal is a constant to Warp.
# ruff: noqa: UP018, RUF046

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
    density: wp.array(dtype=wp.float32)  # (3·(fine + 1)², 32)
    colour: wp.array(dtype=wp.float32)  # (3·(fine + 1)², 40)
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
    """The fine field of the frame."""

    density: wp.array(dtype=wp.float32)  # (3·(cells + 1)², 32)
    colour: wp.array(dtype=wp.float32)  # (3·(cells + 1)², 40): 32 hidden, 3 direct, 5 unused
    density_row: wp.array(dtype=wp.float32)  # (32,)
    density_bias: float
    geometry: wp.array(dtype=wp.float32)  # (32 in, 32 out)
    colour_rows: wp.array(dtype=wp.float32)  # (3, 32)
    cells: int
    bend_cells: int
    samples: int
    opaque: float
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
    density: wp.array(dtype=wp.float32),
    colour: wp.array(dtype=wp.float32),
):
    """Adds the blended planes, upsampled, to a row of nodes of the static ones."""
    ...


@wp.func_native(_native("coarse"))
def coarse_density(lattice: Lattice, x: float, y: float, z: float) -> float:
    """Density of the coarse field at a point of the box, 1/cm."""
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
    density: wp.array(dtype=wp.float32),
    colour: wp.array(dtype=wp.float32),
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


@wp.func
def slab(start: float, slope: float):
    """Depths at which a ray passes 0 and 1 on one axis, ordered."""
    safe = wp.where(wp.abs(slope) < 1e-8, 1e-8, slope)
    a = -start / safe
    b = (1.0 - start) / safe
    return wp.vec2(wp.min(a, b), wp.max(a, b))


@wp.func
def occupancy_cell(lattice: Lattice, x: float):
    """Index on one axis of the occupancy cell of a position in the box."""
    n = lattice.occupancy_cells
    return int(wp.clamp(x * float(n), 0.0, float(n) - 0.5))


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
    across = lattice.tiles + 1
    u = float(node % across) / float(lattice.tiles)
    v = float(node // across) / float(lattice.tiles)
    origin = wp.vec3(frame.rays[0], frame.rays[1], frame.rays[2])
    direction = wp.vec3(
        frame.rays[3] + u * frame.rays[6] + v * frame.rays[9],
        frame.rays[4] + u * frame.rays[7] + v * frame.rays[10],
        frame.rays[5] + u * frame.rays[8] + v * frame.rays[11],
    )
    sx = slab(origin[0], direction[0])
    sy = slab(origin[1], direction[1])
    sz = slab(origin[2], direction[2])
    start = wp.max(wp.max(wp.max(sx[0], sy[0]), sz[0]), 1.0)
    end = wp.min(wp.min(sx[1], sy[1]), sz[1])
    if not (end > start):
        return

    # The first and the last occupied cell.
    last = lattice.probes - 1
    step = (end - start) / float(last)
    entry = int(lattice.probes)
    leave = int(-1)
    n = lattice.occupancy_cells
    for k in range(lattice.probes):
        p = origin + direction * (start + (end - start) * (float(k) / float(last)))
        z = occupancy_cell(lattice, p[2])
        y = occupancy_cell(lattice, p[1])
        if lattice.occupied[(z * n + y) * n + occupancy_cell(lattice, p[0])] != wp.uint8(0):
            entry = wp.min(entry, k)
            leave = k
    if leave < 0:
        return
    low = start + float(wp.max(entry - 1, 0)) * step
    high = wp.min(start + float(wp.min(leave + 1, last)) * step, low + lattice.max_depth)
    if not (high > low):
        return
    high = wp.max(high, low + 1.0e-3)

    # Weights of the coarse samples and their running sum, with a floor (`rays.bracket`).
    delta = (high - low) / float(lattice.samples)
    through = float(1.0)
    opacity = float(0.0)
    total = float(0.0)
    running = node * lattice.samples
    for k in range(lattice.samples):
        p = origin + direction * (low + (float(k) + 0.5) * delta)
        alpha = 1.0 - wp.exp(-coarse_density(lattice, p[0], p[1], p[2]) * delta)
        opacity += through * alpha
        total += through * alpha + 0.02 / float(lattice.samples)
        through *= 1.0 - alpha + 1.0e-7
        cdf[running + k] = total
    if not (opacity > lattice.seen):
        return
    entry_depth = float(low)
    leave_depth = float(low)
    for k in range(lattice.samples):
        c1 = cdf[running + k] / total
        c0 = float(0.0)
        if k > 0:
            c0 = cdf[running + k - 1] / total
        edge = low + float(k) * delta
        if c0 <= 0.02:
            share = wp.clamp((0.02 - c0) / wp.max(c1 - c0, 1.0e-6), 0.0, 1.0)
            entry_depth = edge + delta * share
        if c0 <= 0.98:
            share = wp.clamp((0.98 - c0) / wp.max(c1 - c0, 1.0e-6), 0.0, 1.0)
            leave_depth = edge + delta * share
    near[node] = entry_depth - 0.5 * delta
    far[node] = leave_depth + 0.5 * delta


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
