import pytest

from codec.bench import measure
from codec.encoder import EncoderConfig
from codec.errors import CodecError
from codec.profile import Profile
from tests.codec.streams import MODEL, talking_head


@pytest.fixture(scope="module")
def bench():
    return measure(talking_head(400), MODEL)


def test_rates_add_up(bench):
    assert (bench.frames, bench.packet_frames) == (400, 4.0)
    assert bench.key_kbps == pytest.approx(8 * bench.key_packet_bytes * 8 * 25 / 400 / 1000)
    assert 0 < bench.key_kbps < bench.payload_kbps
    assert bench.packet_bytes_p5 <= bench.packet_bytes_median <= bench.packet_bytes_p95
    headers = 8 * 13 + 92 * 3
    assert bench.header_share == pytest.approx(headers * 8 * 25 / 400 / 1000 / bench.payload_kbps)


def test_a_frame_costs_little_time():
    """Less than a millisecond both ways on one free core; more than two are a defect.

    What this process computes in the least of some runs: whatever else runs does not count, but
    for what it takes off the caches.
    """
    runs = [measure(talking_head(60), MODEL) for _ in range(4)]
    assert min(run.encode_ms for run in runs) + min(run.decode_ms for run in runs) < 2


def test_without_loss_nothing_is_lost(bench):
    whole = bench.losses[0]
    assert (whole.loss, whole.decoded, whole.outages, whole.outage_max_ms) == (0.0, 1.0, 0, 0.0)


def test_a_lost_packet_costs_its_own_frames_and_no_other(bench):
    loss = bench.losses[2]
    assert loss.loss == 0.1
    assert loss.outage_median_ms == 160
    assert loss.outage_p90_ms <= 320
    assert loss.decoded == pytest.approx(0.9, abs=0.02)


def test_frames_that_do_not_wait_for_others_cost_more_bits_and_shorter_outages(bench):
    quick = measure(talking_head(200), MODEL, config=EncoderConfig(latency_ms=0.0))
    assert quick.payload_kbps > bench.payload_kbps
    assert quick.losses[2].outage_median_ms == 40


def test_lossless_costs_a_multiple(bench):
    lossless = measure(talking_head(60), MODEL, Profile.LOSSLESS)
    assert lossless.payload_kbps > 2 * bench.payload_kbps


def test_an_empty_stream_is_refused():
    with pytest.raises(CodecError, match="at least one state"):
        measure([], MODEL)
