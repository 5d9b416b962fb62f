"""A copy of the frame before rides in an Opus packet's padding, unheard by who does not know it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.sound.opus import OpusDecoder, OpusEncoder, duration_samples
from client.sound.redundancy import OVERHEAD_BYTES, copy_in, with_copy


def test_golden_bytes() -> None:
    packet = with_copy(bytes.fromhex("18aabb"), bytes.fromhex("18cc"))
    assert packet.hex() == "1b4103aabbf218cc"
    assert copy_in(packet) == bytes.fromhex("18cc")


@pytest.mark.parametrize("size", [1, 252, 253, 254, 300, 600])
def test_copies_of_any_length_come_back(size: int) -> None:
    copy = bytes([0x18]) + bytes(size - 1)
    assert copy_in(with_copy(b"\x18abc", copy)) == copy


@pytest.mark.parametrize(("bitrate_bps", "frame_ms"), [(8_000, 60), (24_000, 60), (24_000, 40)])
def test_any_decoder_hears_what_it_would_have_heard(bitrate_bps: int, frame_ms: int) -> None:
    noise = np.random.default_rng(0).normal(0, 3000, (20, 48 * frame_ms)).astype(np.int16)
    encoder, plain, padded = OpusEncoder(bitrate_bps), OpusDecoder(), OpusDecoder()
    for wave in noise:
        packet = encoder.encode(wave)
        longer = with_copy(packet, b"\x18" + bytes(40))
        assert len(longer) == len(packet) + 41 + OVERHEAD_BYTES
        assert duration_samples(longer) == 48 * frame_ms
        np.testing.assert_array_equal(padded.decode(longer), plain.decode(packet))


@given(st.binary(max_size=40))
def test_no_packet_confuses_the_search(packet: bytes) -> None:
    copy = copy_in(packet)
    assert copy is None or copy in packet
