"""A call between two network namespaces, captured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.cli import run
from tests.client.emulation.permission import need_namespaces


def test_a_captured_call_costs_little_and_every_byte_has_a_cause(
    talking_clip: Path, real_speaker: Path, tmp_path: Path
) -> None:
    need_namespaces()
    result = tmp_path / "wire.json"
    who = ["--clip", str(talking_clip), "--speaker", str(real_speaker)]
    how = ["--seconds", "5", "--json", str(result)]
    assert run(["bench", "wire", *who, *how]) == 0
    (row,) = json.loads(result.read_text())["rows"]
    assert row["frames_received"] > 25 and row["frames_lost"] == 0
    assert 0.2 < row["payload_kbps"] < 4
    assert row["wire_down_kbps"] + row["wire_up_kbps"] < 9.0
    for way in (row["down"], row["up"]):
        causes = way["by_cause_kbps"]
        assert sum(causes.values()) == pytest.approx(way["captured_kbps"])
        # A datagram at either end of the measurement may be in one sum and not in the other.
        assert min(causes.values()) >= -0.3, "nobody counts more than was captured"
        own = way["captured_kbps"] - causes["signaling"]
        assert way["counted_kbps"] == pytest.approx(own, rel=0.1)
    assert row["down"]["by_cause_kbps"]["portrait"] > 0.2


def test_two_who_talk_cost_less_than_the_papers_payload_twice(
    talking_clip: Path, real_speaker: Path, tmp_path: Path
) -> None:
    need_namespaces()
    result = tmp_path / "wire.json"
    who = ["--clip", str(talking_clip), "--speaker", str(real_speaker), "--sound"]
    how = ["--two-way", "--seconds", "5", "--size", "64", "--json", str(result)]
    assert run(["bench", "wire", *who, *how]) == 0
    ways = json.loads(result.read_text())["rows"]
    for way in ways:
        causes = way["by_cause_kbps"]
        assert sum(causes.values()) == pytest.approx(way["captured_kbps"])
        assert causes["rtp"] > 1.0, "portrait and sound leave either end"
        assert way["captured_kbps"] < 25.0
