"""The server's log: a line of text or a JSON object an event, on standard error.

No record holds a face, a network address, a session description, a room's name or a token:
peers are named by the ids that they have for one stay.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from enum import StrEnum


class LogFormat(StrEnum):
    """How the log is written."""

    TEXT = "text"
    JSON = "json"


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, where, what, and the trace of a failure."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record's line."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def log_to_stderr(log_format: LogFormat, *, verbose: bool) -> None:
    """Writes warnings, and with `verbose` who comes and goes."""
    handler = logging.StreamHandler()
    is_json = log_format is LogFormat.JSON
    handler.setFormatter(
        JsonFormatter() if is_json else logging.Formatter("%(levelname)s %(message)s")
    )
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, handlers=[handler])
    # aiohttp logs a traceback for every request that is no HTTP; it has answered 400 already.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
