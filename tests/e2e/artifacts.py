"""What the end-to-end tests leave for people: screenshots, and the figures they measured."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.processes import ROOT

FOLDER = ROOT / "artifacts"
FIGURES = "figures.json"


def artifact(name: str) -> Path:
    """Returns where an artifact goes; git ignores the folder."""
    FOLDER.mkdir(exist_ok=True)
    return FOLDER / name


def note(**figures: float) -> None:
    """Keeps figures beside those of other tests, the newest of each name."""
    path = artifact(FIGURES)
    known = json.loads(path.read_text()) if path.is_file() else {}
    known |= {name: round(float(value), 3) for name, value in figures.items()}
    path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
