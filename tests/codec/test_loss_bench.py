from dataclasses import replace

import pytest

from codec.bench import measure
from codec.encoder import EncoderConfig
from codec.loss_bench import measure_answered
from tests.codec.streams import MODEL, talking_head

PACKET_MS = 160


def slow_head(frames=400):
    """Moves an eighth as fast as a talking one: its packets refer to others."""
    states = talking_head(frames // 8)
    return [replace(states[index // 8], pts_ms=40 * index) for index in range(frames)]


SLOW = slow_head()


@pytest.mark.parametrize("rtt_ms", [100.0, 500.0])
@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
def test_with_receipts_a_lost_packet_costs_its_own_frames_and_no_other(loss, rtt_ms):
    bench = measure_answered(SLOW, MODEL, loss, rtt_ms)
    assert bench.outage_median_ms == PACKET_MS
    assert bench.decoded >= 1.0 - loss - 0.05


def test_the_older_what_is_known_to_be_there_the_more_a_slow_face_costs():
    alone = measure(SLOW, MODEL, config=EncoderConfig(refer_within=0))
    near, far = (measure_answered(SLOW, MODEL, 0.0, rtt_ms) for rtt_ms in (100.0, 500.0))
    assert near.payload_kbps < far.payload_kbps < alone.payload_kbps
    assert near.decoded == far.decoded == 1.0
