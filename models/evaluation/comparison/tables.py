"""The paper's Tables 1 to 3 and the savings, as cells; how they look is for others to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codec.profile import Profile
from models.evaluation.codecs.coding import Mode
from models.evaluation.comparison.points import (
    OURS,
    Point,
    RatePoint,
    System,
    curve,
    equal_rate,
    systems,
)
from models.evaluation.comparison.quoted import ABLATION, SYSTEMS, Quoted
from models.evaluation.comparison.saving import PayloadOf, Saving, saving
from models.evaluation.comparison.scores import (
    FIDELITY,
    METRICS,
    QUALITY,
    Metric,
    Scores,
)

RATE_DIGITS = 2
TRADEOFF_DIGITS = 3
COMPACT = System(OURS, Profile.COMPACT.name.lower())


@dataclass(frozen=True, slots=True)
class Column:
    """One system of a table.

    Attributes:
        name: of the system.
        note: such as its mode.
        quoted: whether others published it, so that it was not measured here.
    """

    name: str
    note: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of all systems.

    Attributes:
        label: for people, with its unit.
        rising: whether more is better; None: neither is.
        digits: decimals to show.
        values: by column; None where there is none.
    """

    label: str
    rising: bool | None
    digits: int
    values: tuple[float | None, ...]

    def best(self, columns: Sequence[Column]) -> int | None:
        """Returns the best of the columns that were measured here, if there are several."""
        measured = [
            place
            for place, (value, column) in enumerate(zip(self.values, columns, strict=True))
            if value is not None and not column.quoted
        ]
        if self.rising is None or len(measured) < 2:
            return None
        sign = 1.0 if self.rising else -1.0
        return max(measured, key=lambda place: sign * (self.values[place] or 0.0))


@dataclass(frozen=True, slots=True)
class Table:
    """A table, measured columns first, then the quoted ones.

    Attributes:
        title: such as `Table 1`.
        columns: what is compared.
        rows: figures.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class SavingRow:
    """What one metric says of the bits saved.

    Attributes:
        metric: by which equal quality is judged.
        clips: for each clip, against low-delay codecs; None where it cannot be said.
        every: of all clips' mean curves.
        without_first: the same, no first frame counted on either side.
        offline: of all clips' mean curves against offline codecs.
    """

    metric: Metric
    clips: tuple[Saving | None, ...]
    every: Saving | None
    without_first: Saving | None
    offline: Saving | None


def quality_table(points: Sequence[Point], side_px: int) -> Table:
    """Returns Table 1, quality and its trade-off with the rate, at nerfcall's own rate."""
    return _comparison("Table 1: quality", QUALITY, points, side_px)


def fidelity_table(points: Sequence[Point], side_px: int) -> Table:
    """Returns Table 2, fidelity and its trade-off with the rate, at nerfcall's own rate."""
    return _comparison("Table 2: fidelity", FIDELITY, points, side_px)


def ablation_table(settings: Mapping[str, Scores]) -> Table:
    """Returns Table 3 from the figures of some settings, by their names."""
    measured = [Column(name, "", quoted=False) for name in settings]
    quoted = [Column(column.name, "paper", quoted=True) for column in ABLATION]
    values = [*settings.values(), *(column.scores for column in ABLATION)]
    rows = [
        Row(_label(metric), metric.rising, metric.digits, tuple(v.get(metric.key) for v in values))
        for metric in METRICS
    ]
    return Table(
        "Table 3: ablation",
        (*measured, *quoted),
        tuple(row for row in rows if any(value is not None for value in row.values)),
    )


def saving_rows(points: Sequence[Point], clips: Sequence[str], side_px: int) -> list[SavingRow]:
    """Returns the bits saved at equal quality, by every metric that was measured."""
    rows: list[SavingRow] = []
    for metric in METRICS:
        every = saving_at(points, metric, side_px)
        if every is None:
            continue
        rows.append(
            SavingRow(
                metric,
                tuple(
                    saving_at([p for p in points if p.clip == clip], metric, side_px)
                    for clip in clips
                ),
                every,
                saving_at(
                    points,
                    metric,
                    side_px,
                    payload_kbps=lambda point: point.kbps_without_first_frame,
                ),
                saving_at(points, metric, side_px, Mode.OFFLINE),
            )
        )
    return rows


def saving_at(
    points: Sequence[Point],
    metric: Metric,
    side_px: int,
    mode: Mode = Mode.LOW_DELAY,
    payload_kbps: PayloadOf = lambda point: point.kbps,
) -> Saving | None:
    """Returns what the best classic codec of a mode needs over what nerfcall needs."""
    ours = equal_rate(points, COMPACT, side_px)
    curves = {
        system.name: curve(points, system, side_px)
        for system in systems(points)
        if system.mode == mode
    }
    return None if ours is None else saving(ours, curves, metric, payload_kbps)


def _comparison(
    title: str, metrics: Sequence[Metric], points: Sequence[Point], side_px: int
) -> Table:
    measured = [
        (system, point)
        for system in systems(points)
        if system.mode != Mode.OFFLINE and (point := equal_rate(points, system, side_px))
    ]
    columns = [Column(system.name, system.mode, quoted=False) for system, _ in measured]
    columns += [Column(column.name, "paper", quoted=True) for column in SYSTEMS]
    found = [point for _, point in measured]
    rates = (*(point.kbps for point in found), *(column.kbps for column in SYSTEMS))
    rows = [Row(_label(m), m.rising, m.digits, _values(m, found, SYSTEMS)) for m in metrics]
    rows.append(Row("b.r. kbit/s", None, RATE_DIGITS, rates))
    # The paper has no trade-off for L1.
    rows += [
        Row(m.tradeoff_label, m.rising, TRADEOFF_DIGITS, _tradeoffs(m, found, SYSTEMS))
        for m in metrics
        if any(m.key in column.tradeoffs for column in SYSTEMS) or m.key.startswith("lpips")
    ]
    kept = tuple(row for row in rows if any(value is not None for value in row.values))
    return Table(title, tuple(columns), kept)


def _values(
    metric: Metric, points: Sequence[RatePoint], quoted: Sequence[Quoted]
) -> tuple[float | None, ...]:
    ours = [point.scores.get(metric.key) for point in points]
    return (*ours, *(column.scores.get(metric.key) for column in quoted))


def _tradeoffs(
    metric: Metric, points: Sequence[RatePoint], quoted: Sequence[Quoted]
) -> tuple[float | None, ...]:
    ours = [
        metric.tradeoff(point.scores[metric.key], point.kbps)
        if metric.key in point.scores
        else None
        for point in points
    ]
    return (*ours, *(column.tradeoffs.get(metric.key) for column in quoted))


def _label(metric: Metric) -> str:
    return f"{metric.label} {metric.unit}".rstrip()
