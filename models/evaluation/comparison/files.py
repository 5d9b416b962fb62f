"""The comparison for programs: everything as JSON, the points and tables as CSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from models.evaluation.comparison.points import Point
from models.evaluation.comparison.run import Outcome, Plan
from models.evaluation.comparison.saving import Saving
from models.evaluation.comparison.scores import METRICS
from models.evaluation.comparison.tables import SavingRow, Table
from models.evaluation.worst_frames import ShownFrame


def write_json(
    path: Path,
    outcomes: Sequence[Outcome],
    plan: Plan,
    tables: Iterable[Table],
    savings: Iterable[SavingRow],
    settings: Mapping[str, str],
    missing: Sequence[str],
) -> None:
    """Writes everything that was measured."""
    document = {
        "main_px": plan.main_px,
        "sides_px": plan.sides_px,
        "rungs_kbps": plan.rungs_kbps,
        "vgg_every": plan.vgg_every,
        "clips": [
            {
                "name": outcome.subject.name,
                "frames_chosen": outcome.subject.frames_text,
                "frames": outcome.frames,
                "faceless_frames": outcome.faceless,
                "fps": float(outcome.fps),
                "crop_px": outcome.crop_px,
                "speaker": outcome.speaker_id,
                "worst_frames": {
                    "psnr_db": list(map(_shown, outcome.course.worst_psnr)),
                    "lpips_alex": list(map(_shown, outcome.course.worst_lpips)),
                },
            }
            for outcome in outcomes
        ],
        "points": [_point(point) for outcome in outcomes for point in outcome.points],
        "savings": {row.metric.key: _savings(row, outcomes) for row in savings},
        "tables": [_table(table) for table in tables],
        "codecs": dict(settings),
        "missing_codecs": list(missing),
    }
    path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_points(path: Path, points: Iterable[Point]) -> None:
    """Writes one line for every coding of every clip."""
    rows = [_point(point) for point in points]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*_POINT_FIELDS, *(metric.key for metric in METRICS)])
        writer.writeheader()
        writer.writerows(rows)


def write_table(path: Path, table: Table) -> None:
    """Writes a table as it is shown, unrounded; quoted columns say so in their heading."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["", *_headings(table)])
        writer.writerows([row.label, *row.values] for row in table.rows)


_POINT_FIELDS = (
    *("clip", "system", "mode", "side_px", "target_kbps", "payload_kbps"),
    *("payload_kbps_without_first_frame", "payload_bytes", "first_frame_bytes", "frames"),
    "setting",
)


def _point(point: Point) -> dict[str, str | float | None]:
    payload = point.payload
    figures = (
        *(point.clip, point.system.name, point.system.mode, point.side_px, point.rung_kbps),
        *(payload.kbps, payload.kbps_without_first_frame),
        *(payload.total_bytes, payload.first_bytes, payload.frames, point.setting),
    )
    return {**dict(zip(_POINT_FIELDS, figures, strict=True)), **point.scores}


def _shown(frame: ShownFrame) -> dict[str, float | None]:
    psnr_db = frame.psnr_db if math.isfinite(frame.psnr_db) else None
    return {"frame": frame.index, "psnr_db": psnr_db, "lpips_alex": frame.lpips_alex}


def _savings(row: SavingRow, outcomes: Sequence[Outcome]) -> dict[str, object]:
    names = [outcome.subject.name for outcome in outcomes]
    return {
        "clips": {name: _saving(saving) for name, saving in zip(names, row.clips, strict=True)},
        "low_delay": _saving(row.every),
        "low_delay_without_first_frame": _saving(row.without_first),
        "offline": _saving(row.offline),
    }


def _saving(saving: Saving | None) -> dict[str, str | float] | None:
    if saving is None:
        return None
    need = saving.need
    return {
        "factor": saving.factor,
        "bound": need.bound.name.lower(),
        "codec": need.codec,
        "codec_kbps": need.kbps,
    }


def _table(table: Table) -> dict[str, object]:
    return {
        "title": table.title,
        "columns": _headings(table),
        "rows": [{"label": row.label, "values": row.values} for row in table.rows],
    }


def _headings(table: Table) -> list[str]:
    return [
        f"{column.name} ({'quoted' if column.quoted else column.note})"
        if column.quoted or column.note
        else column.name
        for column in table.columns
    ]
