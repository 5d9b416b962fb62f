"""The sizes of a speaker's field: everything that decides the shape of a weight."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from models.errors import SpeakerFileError

_CORNERS = {
    "box_min": (3, 100),
    "box_max": (3, 100),
    "background_min": (2, 4),
    "background_max": (2, 4),
}
"""How many coordinates a corner has, and how far from zero each may be."""


@dataclass(frozen=True, slots=True)
class FieldConfig:
    """Shape of the head field, the torso field and the background.

    `dynamic_cells` divides `static_cells`, so that a dynamic plane that is upsampled to the
    static resolution (corners aligned) is the same piecewise bilinear function: one lookup
    into their sum equals two lookups.

    Attributes:
        box_min: lower corner of the head field in head space, cm.
        box_max: upper corner of the head field in head space, cm.
        static_cells: cells along each side of a static feature plane (nodes: one more).
        static_channels: features per static plane.
        dynamic_cells: cells along each side of an expression plane.
        dynamic_channels: features per expression plane, added to the first static ones.
        expression_planes: number of expression planes that the code blends.
        bend_shapes: number of displacements of the head's space.
        bend_cells: cells along each side of their grid over the head's box.
        hidden: width of the head field's two small MLPs.
        geometry_dim: numbers handed from the density MLP to the colour MLP.
        coarse_cells: cells along each side of a coarse (proposal) plane.
        coarse_channels: features per coarse plane.
        coarse_samples: stratified samples a ray in the coarse field.
        fine_samples: samples a ray in the fine field.
        consistency_dim: length of the head–torso consistency code.
        torso_cells: cells along each side of the torso's feature plane.
        torso_channels: features of the torso plane.
        warp_cells: cells of the grid on which the torso's residual warp is evaluated.
        torso_hidden: width of the torso's MLPs.
        background_px: pixels of the background picture to a side of the portrait.
        background_min: upper left corner of the background picture in the reference's portrait
            (u, v), where (0, 0) and (1, 1) are the portrait's corners; a camera that pans sees
            more than the portrait.
        background_max: lower right corner.
    """

    box_min: tuple[float, float, float] = (-14.0, -17.0, -20.0)
    box_max: tuple[float, float, float] = (14.0, 20.0, 10.0)
    static_cells: int = 128
    static_channels: int = 16
    dynamic_cells: int = 64
    dynamic_channels: int = 8
    expression_planes: int = 16
    bend_shapes: int = 16
    bend_cells: int = 7
    hidden: int = 32
    geometry_dim: int = 15
    coarse_cells: int = 64
    coarse_channels: int = 8
    coarse_samples: int = 12
    fine_samples: int = 8
    consistency_dim: int = 16
    torso_cells: int = 256
    torso_channels: int = 8
    warp_cells: int = 32
    torso_hidden: int = 32
    background_px: int = 256
    background_min: tuple[float, float] = (0.0, 0.0)
    background_max: tuple[float, float] = (1.0, 1.0)

    def background_shape(self) -> tuple[int, int]:
        """Height and width of the background picture, pixels."""
        (u0, v0), (u1, v1) = self.background_min, self.background_max
        return round((v1 - v0) * self.background_px), round((u1 - u0) * self.background_px)

    def to_json(self) -> dict[str, object]:
        """Returns the manifest's `field` entry."""
        return asdict(self)

    @classmethod
    def from_json(cls, entry: object) -> FieldConfig:
        """Reads and bounds the manifest's `field` entry.

        Raises:
            SpeakerFileError: a value is missing, of another type, or absurd.
        """
        if not isinstance(entry, dict):
            raise SpeakerFileError(f"field configuration: expected an object, got {entry!r:.60}")
        names = {f.name for f in fields(cls)}
        if set(entry) != names:
            odd = sorted(set(entry) ^ names)
            raise SpeakerFileError(f"field configuration: unknown or missing entries {odd}")
        values: dict[str, object] = {}
        for name, value in entry.items():
            if name in _CORNERS:
                values[name] = _corner(name, value)
            elif isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1024:
                raise SpeakerFileError(f"field {name}: expected 1..1024, got {value!r:.60}")
            else:
                values[name] = value
        config = cls(**values)  # type: ignore[arg-type]
        for what in ("box", "background"):
            low, high = getattr(config, f"{what}_min"), getattr(config, f"{what}_max")
            if any(lo >= hi for lo, hi in zip(low, high, strict=True)):
                raise SpeakerFileError(f"field {what}: expected min below max on every axis")
        if min(config.background_shape()) < 1:
            raise SpeakerFileError("field background: expected at least one pixel, got none")
        if (
            config.static_cells % config.dynamic_cells
            or config.dynamic_channels > config.static_channels
        ):
            raise SpeakerFileError("field planes: expected dynamic planes that nest in static ones")
        return config


def _corner(name: str, value: object) -> tuple[float, ...]:
    count, reach = _CORNERS[name]
    if not (
        isinstance(value, list)
        and len(value) == count
        and all(isinstance(x, int | float) and abs(x) <= reach for x in value)
    ):
        raise SpeakerFileError(
            f"field {name}: expected {count} numbers within {reach}, got {value!r:.60}"
        )
    return tuple(float(x) for x in value)
