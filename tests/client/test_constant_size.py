"""Packets of one size: what an eavesdropper sees does not change with what is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.transport.constant_size import AUDIO_BYTES, PORTRAIT_BYTES, padding_bytes
from client.transport.thin import ThinPayload


def size(payload: ThinPayload) -> int:
    return len(payload.pack()[1]) + padding_bytes(payload)


@given(st.binary(min_size=16, max_size=47), st.binary(min_size=1, max_size=63))
def test_usual_packets_have_one_size_for_each_kind(portrait: bytes, audio: bytes) -> None:
    assert size(ThinPayload((portrait,))) == PORTRAIT_BYTES
    assert size(ThinPayload(audio=audio)) == AUDIO_BYTES
    assert size(ThinPayload((portrait,), audio)) == 1 + PORTRAIT_BYTES + AUDIO_BYTES
    copies = ThinPayload((portrait,) * 4, audio)
    assert size(copies) == 1 + 4 * (1 + PORTRAIT_BYTES) + AUDIO_BYTES


@pytest.mark.parametrize("length", [47, 48, 95, 96, 1000])
def test_what_is_larger_fills_whole_units_and_padding_is_never_none(length: int) -> None:
    payload = ThinPayload((bytes(length),))
    assert size(payload) % PORTRAIT_BYTES == 0
    assert 1 <= padding_bytes(payload) <= PORTRAIT_BYTES


def test_a_heartbeat_needs_none() -> None:
    assert padding_bytes(ThinPayload()) == 0
