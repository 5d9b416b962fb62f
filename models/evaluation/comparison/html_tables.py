"""Tables of the comparison as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from models.evaluation.comparison.points import OURS
from models.evaluation.comparison.saving import Saving
from models.evaluation.comparison.tables import Column, Row, SavingRow, Table


def is_measured(table: Table) -> bool:
    """Tells whether a table holds anything beside what is quoted."""
    places = [place for place, column in enumerate(table.columns) if not column.quoted]
    return any(row.values[place] is not None for row in table.rows[:1] for place in places)


def table_html(table: Table) -> str:
    """Returns a table, the best of what was measured in bold, quoted columns set apart."""
    first_quoted = [column.quoted for column in table.columns].index(True)
    classes = [
        " ".join(
            name
            for name, applies in (
                ("quoted", column.quoted),
                ("first-quoted", place == first_quoted),
                ("ours", column.name == OURS),
            )
            if applies
        )
        for place, column in enumerate(table.columns)
    ]
    head = "".join(
        f'<th class="{kind}">{escape(column.name)}'
        f"<small>{'quoted' if column.quoted else escape(column.note)}</small></th>"
        for column, kind in zip(table.columns, classes, strict=True)
    )
    rows = "".join(_row(row, table, classes) for row in table.rows)
    return (
        f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead>\n{rows}</table></div>'
    )


def _row(row: Row, table: Table, classes: Sequence[str]) -> str:
    best = row.best(table.columns)
    arrow = {True: " ↑", False: " ↓", None: ""}[row.rising]
    cells = "".join(
        f'<td class="{kind}{" best" if place == best else ""}">{_number(value, row, column)}</td>'
        for place, (value, kind, column) in enumerate(
            zip(row.values, classes, table.columns, strict=True)
        )
    )
    return f"<tr><th>{escape(row.label)}{arrow}</th>{cells}</tr>\n"


def _number(value: float | None, row: Row, column: Column) -> str:
    if value is None:
        return "–"
    # What others printed keeps the digits that they gave it.
    return f"{value:.4g}" if column.quoted else f"{value:.{row.digits}f}"


def savings_html(clips: Sequence[str], rows: Sequence[SavingRow]) -> str:
    """Returns the bits saved by each metric, with what the best codec needs under them."""
    several = len(clips) > 1
    names = [*clips, *(["all clips"] if several else [])]
    head = "".join(
        f"<th>{escape(name)}<small>{note}</small></th>"
        for name, note in (
            *((name, "low delay") for name in names),
            (names[-1], "low delay, without first frames"),
            (names[-1], "offline"),
        )
    )
    body = "".join(
        f"<tr><th>{escape(row.metric.label)}</th>"
        + "".join(
            _saving_cell(saving)
            for saving in (
                *row.clips,
                *([row.every] if several else []),
                row.without_first,
                row.offline,
            )
        )
        + "</tr>\n"
        for row in rows
    )
    return (
        f"<p>The bits that the best classic codec needs for {OURS}'s quality, as a multiple of "
        f"{OURS}'s own, by each metric; under it that codec and its rate in kbit/s, read off its "
        "rate–distortion curve (linear in the logarithm of the rate). ≥: no rate of the ladder is "
        "as good. ≤: its lowest rate is better already. A long call has one first frame only, a "
        "file may be coded offline: the last two columns.</p>\n"
        f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead>\n{body}</table></div>'
    )


def _saving_cell(saving: Saving | None) -> str:
    if saving is None:
        return "<td>–</td>"
    need = saving.need
    return f"<td>{saving}<small>{escape(need.codec)} {need.bound}{need.kbps:.1f}</small></td>"
