"""Which protection the measured loss asks for."""

from __future__ import annotations

import pytest

from client.protection import CALM_MS, LEVELS, ProtectionChooser


@pytest.mark.parametrize(
    ("loss", "level"), [(0.0, 0), (0.019, 0), (0.02, 1), (0.1, 1), (0.2, 2), (0.5, 3), (1.0, 3)]
)
def test_loss_is_met_at_once(loss: float, level: int) -> None:
    chooser = ProtectionChooser()
    assert chooser.measured(loss, 0.0) is (level > 0)
    assert chooser.level == level


def test_more_loss_is_worth_more_copies_in_shorter_packets() -> None:
    copies = [level.copies for level in LEVELS]
    assert copies == sorted(copies)
    assert [level.latency_ms for level in LEVELS] == sorted(
        (level.latency_ms for level in LEVELS), reverse=True
    )


def test_a_level_is_left_step_by_step_after_calm() -> None:
    chooser = ProtectionChooser()
    chooser.measured(0.5, 0.0)
    assert not chooser.measured(0.0, CALM_MS)
    assert chooser.measured(0.0, CALM_MS + 1)
    assert chooser.level == 2
    assert not chooser.measured(0.2, CALM_MS + 2)
    assert not chooser.measured(0.0, 2 * CALM_MS + 2)
    assert chooser.measured(0.0, 2 * CALM_MS + 3)
    assert chooser.level == 1


def test_unknown_loss_changes_nothing() -> None:
    chooser = ProtectionChooser()
    chooser.measured(0.2, 0.0)
    assert not chooser.measured(None, 10 * CALM_MS)
    assert chooser.level == 2
