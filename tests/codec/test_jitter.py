import random
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.decoder import Decoder
from codec.encoder import Encoder, EncoderConfig
from codec.face import FaceState, Tracking
from codec.jitter import CAPACITY, MAX_DELAY_MS, JitterBuffer, PlayoutKind
from tests.codec.streams import MODEL, REST, SPEAKER

DELAY_MS = 80.0
TRANSIT_MS = 5000.0  # local clock minus the sender's, and the way


def ramp(pts_ms, tracking=Tracking.FACE, unit_ms=1):
    """A state whose every expression number is its time, so that playout can be checked."""
    vector = REST.copy()
    vector[:30] = pts_ms / unit_ms
    return FaceState.from_vector(vector, pts_ms, tracking)


def shown(playout):
    return float(playout.state.expression[0])


def a_call(frames=25, lost=(), jitter_ms=lambda index: 0.0):
    """A buffer that received states every 40 ms and was asked every 10 ms; all its playouts."""
    buffer = JitterBuffer(DELAY_MS)
    arrivals = sorted(
        (index * 40 + TRANSIT_MS + jitter_ms(index), index)
        for index in range(frames)
        if index not in lost
    )
    playouts = []
    for now in range(int(TRANSIT_MS), int(TRANSIT_MS) + frames * 40 + 200, 10):
        while arrivals and arrivals[0][0] <= now:
            arrival, index = arrivals.pop(0)
            buffer.push(ramp(index * 40), arrival)
        playouts.append((now - TRANSIT_MS, buffer.pull(now)))
    return buffer, playouts


def test_nothing_is_shown_before_the_first_state_is_due():
    buffer = JitterBuffer(DELAY_MS)
    assert buffer.pull(TRANSIT_MS) is None
    buffer.push(ramp(0), TRANSIT_MS)
    assert buffer.pull(TRANSIT_MS + 79) is None
    first = buffer.pull(TRANSIT_MS + 80)
    assert first.kind is PlayoutKind.FRESH
    assert shown(first) == 0


def test_a_steady_stream_plays_evenly_at_the_target_delay():
    _, playouts = a_call(frames=25)
    for now, playout in playouts:
        if DELAY_MS <= now <= 24 * 40:
            assert shown(playout) == pytest.approx(now - DELAY_MS, abs=0.01)
            assert playout.state.pts_ms == now - DELAY_MS
            fresh = (now - DELAY_MS) % 40 == 0
            assert playout.kind is (PlayoutKind.FRESH if fresh else PlayoutKind.INTERPOLATED)
            assert playout.age_ms == pytest.approx((now - DELAY_MS) % 40)


@pytest.mark.parametrize(("sent_fps", "shown_fps"), [(12.5, 25), (12.5, 30), (8, 25), (8, 30)])
def test_fewer_frames_on_the_wire_are_shown_at_full_pace(sent_fps, shown_fps):
    """Through packets: each picture is another one, and shows the time that is due."""
    times_ms = [round(index * 1000 / sent_fps) for index in range(int(6 * sent_fps))]
    states = [ramp(at_ms, unit_ms=1000) for at_ms in times_ms]
    encoder = Encoder(SPEAKER, MODEL, config=EncoderConfig(frame_interval_ms=1000 / sent_fps))
    decoder, buffer = Decoder(SPEAKER, MODEL), JitterBuffer(DELAY_MS)
    arriving = deque()
    for state in states:
        packet = encoder.encode(state)
        if packet is not None:
            arriving += [(state.pts_ms, sent) for sent in decoder.decode(packet)]
    shown_ms = []
    for picture in range(2 * shown_fps, 5 * shown_fps):
        now_ms = picture * 1000 / shown_fps
        while arriving and arriving[0][0] <= now_ms:
            buffer.push(arriving.popleft()[1], now_ms)
        playout = buffer.pull(now_ms)
        if picture >= 3 * shown_fps:
            assert playout.kind in (PlayoutKind.FRESH, PlayoutKind.INTERPOLATED)
            shown_ms.append(playout.state.pts_ms)
            assert playout.state.expression[0] == pytest.approx(shown_ms[-1] / 1000, abs=0.2)
    assert np.diff(shown_ms) == pytest.approx(1000 / shown_fps, abs=5.0)


def test_a_single_loss_is_interpolated_over():
    buffer, playouts = a_call(frames=25, lost={10})
    for now, playout in playouts:
        if DELAY_MS + 360 <= now <= DELAY_MS + 440:
            assert shown(playout) == pytest.approx(now - DELAY_MS, abs=0.01)
    assert buffer.counters.lost == 1
    assert buffer.counters.received == 24


def test_an_outage_is_extrapolated_with_fading_speed_and_then_held():
    _, playouts = a_call(frames=25, lost=set(range(12, 25)))
    last = 11 * 40
    after = {now - DELAY_MS - last: p for now, p in playouts if now > DELAY_MS + last}
    assert [after[t].kind for t in (10, 100)] == [PlayoutKind.EXTRAPOLATED] * 2
    assert [after[t].kind for t in (110, 500)] == [PlayoutKind.HELD] * 2
    steps = np.diff([shown(after[t]) for t in range(10, 110, 10)])
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()
    assert last + 40 < shown(after[110]) == shown(after[500]) < last + 60
    assert after[500].age_ms == 500


def test_reordered_arrivals_play_in_order():
    _, playouts = a_call(jitter_ms=lambda index: 50.0 if index % 3 == 0 else 0.0)
    values = [shown(playout) for _, playout in playouts if playout]
    assert (np.diff(values) >= -1e-3).all()


def test_the_delay_grows_with_the_jitter_and_is_bounded():
    draw = random.Random(0)
    for spread, least, most in ((0, 80, 80), (100, 110, 150), (900, 390, MAX_DELAY_MS)):
        buffer, _ = a_call(frames=100, jitter_ms=lambda _, s=spread: draw.uniform(0, s))
        assert least <= buffer.delay_ms <= most


def test_with_enough_delay_jitter_is_not_seen():
    draw = random.Random(0)
    _, playouts = a_call(frames=200, jitter_ms=lambda _: draw.uniform(0, 60))
    kinds = [playout.kind for now, playout in playouts if 2000 < now < 7900]
    smooth = sum(kind in (PlayoutKind.FRESH, PlayoutKind.INTERPOLATED) for kind in kinds)
    assert smooth / len(kinds) > 0.98


def test_a_slower_network_is_followed_without_a_jump():
    """From frame 50 on everything takes 150 ms longer."""
    _, playouts = a_call(frames=400, jitter_ms=lambda index: 150.0 if index >= 50 else 0.0)
    values = np.array([shown(playout) for now, playout in playouts if now > DELAY_MS])
    assert np.abs(np.diff(values)).max() < 60
    assert {playout.kind for now, playout in playouts if 8000 < now < 15_900} <= {
        PlayoutKind.FRESH,
        PlayoutKind.INTERPOLATED,
    }


def test_duplicates_are_counted_and_change_nothing():
    buffer = JitterBuffer(DELAY_MS)
    for _ in range(2):
        buffer.push(ramp(0), TRANSIT_MS)
    assert (buffer.counters.received, buffer.counters.duplicates) == (1, 1)


def test_a_state_that_comes_after_its_playout_is_late():
    buffer, _ = a_call(frames=10)
    buffer.push(ramp(200), TRANSIT_MS + 600)
    assert (buffer.counters.received, buffer.counters.late) == (10, 1)


def test_a_full_buffer_drops_the_oldest():
    buffer = JitterBuffer(DELAY_MS)
    for index in range(CAPACITY + 5):
        buffer.push(ramp(index * 10), TRANSIT_MS)
    assert buffer.counters.overflowed == 5
    assert shown(buffer.pull(TRANSIT_MS + 10_000)) >= (CAPACITY + 4) * 10


def test_a_restarted_sender_replaces_the_timeline_and_the_last_picture_is_held_meanwhile():
    buffer, _ = a_call(frames=100)
    restart = TRANSIT_MS + 10_000
    kinds = []
    for index in range(10):
        buffer.push(ramp(index * 40), restart + index * 40)
        kinds.append(buffer.pull(restart + index * 40).kind)
    assert kinds[:3] == [PlayoutKind.HELD] * 3
    assert kinds[-1] is PlayoutKind.FRESH
    # The first state only announced the change: the timeline starts at the second.
    assert shown(buffer.pull(restart + 360)) == pytest.approx(360 - DELAY_MS)
    assert buffer.counters.restarts == 1


def test_one_stray_state_does_not_change_the_timeline():
    buffer, _ = a_call(frames=100)
    now = TRANSIT_MS + 4000
    buffer.push(ramp(1_000_000), now)
    buffer.push(ramp(4000), now)
    assert shown(buffer.pull(now + DELAY_MS)) == 4000
    assert buffer.counters.restarts == 0


def test_a_change_of_tracking_status_is_not_smeared():
    buffer = JitterBuffer(DELAY_MS)
    buffer.push(ramp(0), TRANSIT_MS)
    buffer.push(ramp(40, Tracking.NO_FACE), TRANSIT_MS + 40)
    playout = buffer.pull(TRANSIT_MS + DELAY_MS + 30)
    assert (shown(playout), playout.kind) == (0, PlayoutKind.HELD)
    assert playout.state.tracking is Tracking.FACE
    playout = buffer.pull(TRANSIT_MS + DELAY_MS + 60)
    assert (shown(playout), playout.kind) == (40, PlayoutKind.HELD)
    assert playout.state.tracking is Tracking.NO_FACE


@given(
    st.lists(st.tuples(st.integers(0, 1 << 32), st.integers(0, 500), st.booleans()), max_size=80)
)
@settings(max_examples=50, deadline=None)
def test_no_order_of_events_breaks_the_buffer(events):
    buffer = JitterBuffer(DELAY_MS)
    now = 0.0
    for pts_ms, wait_ms, is_push in events:
        now += wait_ms
        if is_push:
            buffer.push(ramp(pts_ms), now)
        else:
            playout = buffer.pull(now)
            assert playout is None or np.isfinite(playout.state.vector()).all()
    counters = buffer.counters
    pushes = sum(is_push for _, _, is_push in events)
    assert counters.received + counters.late + counters.duplicates <= pushes
