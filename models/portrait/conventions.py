"""Numbers that everything agrees on that trains, stores or draws a field. Needs no torch."""

from __future__ import annotations

from codec.face import EXPRESSION_DIM, POSE_DIM, TORSO_DIM

CONDITION_DIM = EXPRESSION_DIM + POSE_DIM
"""Length of what the consistency code is told: expression, rotation, translation."""
MOVEMENT_DIM = POSE_DIM + TORSO_DIM
"""Length of what the torso's warp is told: rotation, translation, the torso's motion."""
AXES = ((0, 1), (0, 2), (1, 2))
"""The two coordinates that each of the three planes of a volume spans."""
DENSITY_BIAS = -4.5
"""An untrained field is nearly clear, so that what is opaque has been learned."""
MIX_HIDDEN = 48
"""Width of the network from the expression code to the planes' weights."""
COARSE_HIDDEN = 16
"""Width of the coarse field's network."""
WARP_HIDDEN = 48
"""Width of the torso's warp network."""
WARP_SPAN = 0.75
"""The warp's grid covers reference positions in [−WARP_SPAN, WARP_SPAN] around the centre."""
OCCUPANCY_CELLS = 32
"""Cells along each side of the occupancy grid."""
OCCUPANCY_PROBES = 32
"""Grid look-ups along a ray to find its first and last occupied cell."""
MAX_DEPTH_CM = 7.0
"""What lies deeper behind the first surface is hidden by it."""
TILES = 64
"""Tiles along each side of the lattice of the coarse pass."""
SEEN = 0.004
"""A lattice ray of less opacity than one 8-bit step sees nothing."""
