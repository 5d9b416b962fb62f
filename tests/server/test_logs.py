"""The log: one object a line, and nothing in it that names anybody."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import pytest

from server.logs import JsonFormatter
from tests.server.serving import join, serving


def test_a_record_is_one_json_object() -> None:
    try:
        raise ValueError("inside")
    except ValueError:
        record = logging.LogRecord(
            "server.x", logging.ERROR, "x.py", 1, "%s\nfailed", ("it",), sys.exc_info()
        )
    record.created = 1_800_000_000.25
    line = JsonFormatter().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert entry.pop("trace").endswith("ValueError: inside")
    assert entry == {
        "time": "2027-01-15T08:00:00.250+00:00",
        "level": "error",
        "logger": "server.x",
        "message": "it\nfailed",
    }


async def test_a_call_leaves_no_names_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "server")
    async with serving(tmp_path) as client:
        renderer, renderer_id = await join(client, "renderer", room="secret-room")
        speaker, _ = await join(client, "speaker", room="secret-room", participant="ada")
        offer = {"kind": "offer", "sdp": "candidate 192.0.2.77"}
        await speaker.send_json({"type": "signal", "to": renderer_id, "data": offer})
        await renderer.receive_json(timeout=5)
        await renderer.receive_json(timeout=5)
        await speaker.close()
    assert "joined" in caplog.text
    for name in ("secret-room", "ada", "192.0.2.77", "127.0.0.1"):
        assert name not in caplog.text
