"""Fuzzing guided by coverage, for a night: `python -m tests.fuzzing.fuzz TARGET [-runs=N …]`.

Needs atheris (`pip install -e '.[fuzz]'`). What follows the target is libFuzzer's. A finding
ends it and is kept in `corpus/TARGET/`, where the tests try it from then on.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["codec", "client", "server", "models.portrait"]):
    from tests.fuzzing.targets import TARGETS, try_one

CORPUS = Path(__file__).parent / "corpus"
LEARNED = Path(__file__).parents[2] / ".cache" / "fuzz"
"""Inputs that reach something new, to begin with the next night."""


def main(name: str, options: list[str]) -> None:
    """Fuzzes one target until its runs are over or it finds something."""
    logging.disable()
    target = TARGETS[name]
    found, learned = CORPUS / name, LEARNED / name
    found.mkdir(parents=True, exist_ok=True)
    learned.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as seeds:
        for number, data in enumerate(target.seeds()):
            (Path(seeds) / str(number)).write_bytes(data)
        prefix = f"-artifact_prefix={found}/"
        atheris.Setup([name, prefix, *options, str(learned), seeds], lambda data: _feed(name, data))
        atheris.Fuzz()


def _feed(name: str, data: bytes) -> None:
    try_one(TARGETS[name], data)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"expected one of {', '.join(TARGETS)}")
    main(sys.argv[1], sys.argv[2:])
