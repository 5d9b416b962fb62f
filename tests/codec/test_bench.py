import pytest

from codec.bench import measure
from codec.encoder import EncoderConfig
from codec.errors import CodecError
from codec.quantize import Profile
from tests.codec.streams import STEPS, talking_head


@pytest.fixture(scope="module")
def bench():
    return measure(talking_head(200), STEPS)


def test_rates_add_up(bench):
    assert bench.frames == 200
    assert bench.key_kbps == pytest.approx(10 * bench.key_packet_bytes * 8 * 25 / 200 / 1000)
    assert 0 < bench.key_kbps < bench.payload_kbps
    assert bench.packet_bytes_p5 <= bench.packet_bytes_median <= bench.packet_bytes_p95
    headers = 10 * 15 + 190 * 5
    assert bench.header_share == pytest.approx(headers * 8 * 25 / 200 / 1000 / bench.payload_kbps)
    assert 0.49 < bench.max_error_steps < 0.51


def test_a_frame_costs_little_time(bench):
    """About 0.3 ms each way on one slow core; ten times that is a defect."""
    assert bench.encode_ms < 3
    assert bench.decode_ms < 3


def test_without_loss_nothing_is_lost(bench):
    whole = bench.losses[0]
    assert (whole.loss, whole.decoded, whole.outages, whole.outage_max_ms) == (0.0, 1.0, 0, 0.0)


def test_at_ten_percent_loss_half_of_the_outages_are_short(bench):
    loss = bench.losses[2]
    assert loss.loss == 0.1
    assert 40 <= loss.outage_median_ms < 200
    assert loss.outage_p90_ms <= 500
    assert 0.6 < loss.decoded < 0.9


def test_shorter_key_intervals_buy_robustness_with_bits(bench):
    robust = measure(talking_head(200), STEPS, config=EncoderConfig(key_interval=5, group=1))
    assert robust.payload_kbps > bench.payload_kbps
    assert robust.losses[3].decoded > bench.losses[3].decoded
    assert robust.losses[3].outage_p90_ms < bench.losses[3].outage_p90_ms


def test_lossless_costs_a_multiple(bench):
    lossless = measure(talking_head(60), STEPS, Profile.LOSSLESS)
    assert lossless.payload_kbps > 2 * bench.payload_kbps


def test_an_empty_stream_is_refused():
    with pytest.raises(CodecError, match="at least one state"):
        measure([], STEPS)
