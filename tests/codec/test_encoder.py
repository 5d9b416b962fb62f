from dataclasses import replace

import numpy as np
import pytest

from codec.block import decode_block
from codec.encoder import RECORDED, Encoder, EncoderConfig
from codec.errors import CodecError, QuantizationError
from codec.face import FaceState, Tracking
from codec.packet import MAX_PTS_MS, Kind, Packet
from codec.profile import Profile
from codec.sensitivity import Sensitivity
from codec.signal import PERSON, STEP
from tests.codec.streams import (
    MODEL,
    SPEAKER,
    STEPS,
    counted_state,
    decode_all,
    encode_all,
    encode_with,
    talking_head,
)

GOLDEN_COMPACT = [
    (
        "ca03ff0000000001234567ffc1061618880004f062139a11d0ed6874009d94d54b9b79661ded91d702ce"
        "b287d59b94e6ed200faf0d11d21a03c22db86ba1579c7cc7eab51f4513bcee9c"
    ),
    (
        "ca04000000005001234567ffc0fffadfd0013f61e250666a8869cc7438a24b93d2b505e4f333c5f07dbd"
        "8ee4a986b1521d14b289b80ee0640a7f0213ad5ba609e5bc56dbd1"
    ),
    ("c0013ff273b4be22844e2a1446f234a86291c5f13b756e309b8037ce046ca518ea77196110b801"),
    ("c50210f979"),
    ("cb04030000014d01234567fff94843f9aaeb58d30b9b3df521492a11f1c8445f8249833f341a8f6b2bcf8716"),
]
GOLDEN_LOSSLESS = [
    (
        "da03ff0000000001234567ffd5e53e16371e371e371e371e371e371e371e371e371e371e371e371e371e"
        "371e371e371e371e371e371e371e371e371e371e371e371e371e371e371e36cb26142d0ea404ee4eddad"
        "5d3e1b27612761276122e88f7090bec947c7f98f709e7019abb536870b515554ea0b0e841ad3fd235b04"
        "ba31f79e129baa95317960c90cf4ea215de15944e0f78665211abd19abb536870b515554ea0b0e39e411"
        "1372c924514bf4b999af832fc2ecc605ea84600ee861dbe209ccafadc835b0bc"
    ),
    (
        "da04000000005001234567ffd596b2f5805849041b1ffbbb82e5aa9a4a5d8b6c6efdfb61a71dd736e09f"
        "0e3ffd1f2f35714e47c2981647dc404436cfabfd805849041b1ffbbb82e5aa938b7a8b366f4378a064f8"
        "ae1cb41278b370d732e8febf88bd072659ead93d25578a3dd3bffcd5f798475716675640bd6621a26d8b"
        "fbbefc53607ee8955a1695ad55981b1bd07d09e38261594aabd3d73dd3bffcd5f7984757166755f1aab9"
        "4a8e5e60f50dcae4d5e01016b9b1306550072014c01803b3166ff494be35b969"
    ),
    (
        "d0013ff5784bb6dd5aa66358687de7cbe17ddaff6f5bdba5af0e9e6b2b11b9fe96a43800081bc0b016fd"
        "38f3a9e91f1d30815b87ffdd5aa66358687de7cbe17dd99a72959e72157f3852093234f91bacc08e0496"
        "449f9109df58cb563943f8252452ffdd5aa66358687de7cbe17ddaff6f5bdba5af0e9e6b2b11b9fe96a4"
        "3800081bc0b016fd38f3a9e91f1d30815b87ffdd5aa66358687de7cbe17dd99a72959e72157f38520932"
        "34f91bacc08e0496449f9109df58cb563943f8250a9a"
    ),
    (
        "d0023ff5784bb6dd5aa66358687de7cbe17ddaff6f5bdba5af0e9e6b2b11b9fe96a43800081bc0b016fd"
        "38f3a9e91f1d30815b87ffdd5aa66358687de7cbe17dd99a72959e72157f3852093234f91bacc08e0496"
        "449f9109df58cb563943f8252452ffdd5aa66358687de7cbe17ddaff6f5bdba5af0e9e6b2b11b9fe96a4"
        "3800081bc0b016fd38f3a9e91f1d30815b87ffdd5aa66358687de7cbe17dd99a72959e72157f38520932"
        "34f91bacc08e0496449f9109df58cb563943f8250a4e"
    ),
    (
        "db04030000014d01234567fff9f970ebf988e80bedce1fb62a3e2b7000012573743badb8afcb9e0e6b86"
        "4eebff66407bf59e5be111e38f9bce7e71662cebf988e80bedce1fb62a3e2b70e2ee3d60b16e1c2f082e"
        "51e788bbf04da529b5dd75e15fdac3dff368c2c17567002f"
    ),
]

GOLDEN_REFERRING = [(12, "c5143d89fb90"), (13, "c5153e2ffbc1"), (9, "c51e3aa7f11b")]
"""How far back they refer, and the packets."""


def kinds(packets):
    return [Packet.parse(packet).kind.name for packet in packets]


def held(packets):
    """Frames of each packet."""
    return [len(states) for states in decode_all(packets)]


def off(states, others):
    """(N, 46) errors in steps."""
    return [
        (state.vector().astype(float) - other.vector()) / STEPS
        for state, other in zip(states, others, strict=True)
    ]


@pytest.mark.parametrize(
    ("profile", "golden"), [(Profile.COMPACT, GOLDEN_COMPACT), (Profile.LOSSLESS, GOLDEN_LOSSLESS)]
)
def test_packets_are_these_bytes_forever(profile, golden):
    config = EncoderConfig(key_interval=3, first_sequence=1023, latency_ms=40)
    states = [counted_state(index) for index in range(5)]
    states += [replace(counted_state(4), pts_ms=200 + 40 * index) for index in range(3)]
    states.append(replace(counted_state(8), pts_ms=333, tracking=Tracking.NO_FACE))
    packets = encode_all(states, profile, config)
    assert [packet.hex() for packet in packets] == golden


def test_packets_that_refer_are_these_bytes_forever():
    config = EncoderConfig(latency_ms=0.0, key_interval=32, first_sequence=7)
    encoder = Encoder(SPEAKER, MODEL, config=config)
    packets = []
    for index in range(24):
        encoder.acknowledge({8, 21})
        state = replace(counted_state(index % 5 == 0), pts_ms=40 * index)
        packets.append(encoder.encode(state))
    chosen = [packets[index] for index in (13, 14, 23)]
    told = [(distance_of(packet), packet.hex()) for packet in chosen]
    assert told == GOLDEN_REFERRING


def test_frames_share_a_packet_for_as_long_as_they_may_wait():
    states = talking_head(24)
    for latency_ms, frames in ((0, 1), (39, 1), (40, 2), (120, 4), (1000, 8)):
        packets = encode_all(states, config=EncoderConfig(latency_ms=latency_ms))
        assert held(packets) == [frames] * (24 // frames)


def test_frames_can_be_told_to_wait_less_from_now_on():
    encoder = Encoder(SPEAKER, MODEL)
    packets = [encoder.encode(state) for state in talking_head(8)]
    encoder.wait_at_most(40.0)
    packets += [
        encoder.encode(replace(state, pts_ms=state.pts_ms + 320)) for state in talking_head(8)
    ]
    encoder.wait_at_most(1e9)  # never more than it was made for
    packets += [
        encoder.encode(replace(state, pts_ms=state.pts_ms + 640)) for state in talking_head(8)
    ]
    assert held([packet for packet in packets if packet is not None]) == [4, 4, 2, 2, 2, 2, 4, 4]


def test_the_measured_pace_decides_how_many_frames_can_wait():
    packets = encode_all(talking_head(64, interval_ms=20))
    assert held(packets)[1:-1] == [7] * len(held(packets)[1:-1])


def test_frames_come_back_in_order_at_their_times():
    states = talking_head(50)
    states = [replace(state, pts_ms=state.pts_ms + index % 3) for index, state in enumerate(states)]
    for profile in Profile:
        back = [state for part in decode_all(encode_all(states, profile)) for state in part]
        assert [state.pts_ms for state in back] == [state.pts_ms for state in states]


def test_a_frame_that_is_seen_otherwise_begins_a_packet():
    states = talking_head(6)
    states[3] = replace(states[3], tracking=Tracking.DARK)
    packets = encode_all(states)
    back = [[state.tracking.name for state in part] for part in decode_all(packets)]
    assert back == [["FACE"] * 3, ["DARK"], ["FACE"] * 2]


def test_a_gap_ends_a_packet():
    states = talking_head(6)
    states = [replace(s, pts_ms=s.pts_ms + 700 * (i >= 2)) for i, s in enumerate(states)]
    assert held(encode_all(states)) == [2, 4]


def test_the_compact_profile_is_right_to_about_a_step():
    states = talking_head(100)
    back = [state for part in decode_all(encode_all(states)) for state in part]
    errors = np.array(off(back, states))
    assert np.sqrt(np.square(errors).mean()) < 1.0
    assert np.abs(errors).max() < 4.0


def test_bits_for_nothing_are_spent_to_the_nearest_step():
    states = talking_head(100, panning=True)
    config = EncoderConfig(price_of_bit=0.0, quantiser=0, latency_ms=0)
    packets = encode_all(states, config=config)
    back = [state for part in decode_all(packets) for state in part]
    assert np.abs(off(back, states)).max() < 0.51


def test_the_lossless_profile_is_right_to_the_last_bit_of_half_precision():
    states = talking_head(100)
    states[50] = FaceState.from_vector(-0.0 * states[50].vector(), 2000)
    back = [state for part in decode_all(encode_all(states, Profile.LOSSLESS)) for state in part]
    for state, original in zip(back, states, strict=True):
        expected = original.vector().astype(np.float16).view(np.uint16)
        assert (state.vector().astype(np.float16).view(np.uint16) == expected).all()


def test_a_still_face_costs_its_headers():
    still = talking_head(1)[0]
    packets = encode_all([replace(still, pts_ms=40 * index) for index in range(80)])
    assert kinds(packets)[0] == "KEY"
    referring = [p for p in packets if Packet.parse(p).kind is Kind.REFERRING]
    assert len(referring) >= 15
    assert max(map(len, referring)) <= 7


def a_still_call(packets, tell, config=None):
    """How far back a still face's packets refer; before each, `tell` says what is held."""
    still = talking_head(1)[0]
    encoder = Encoder(SPEAKER, MODEL, config=config or EncoderConfig(latency_ms=0.0))
    sent = []
    for index in range(packets):
        held, calm = tell(index)
        encoder.acknowledge(held, calm=calm)
        sent.append(encoder.encode(replace(still, pts_ms=40 * index)))
    return [distance_of(packet) for packet in sent]


def distance_of(packet):
    """How far back a packet refers; 0: not at all."""
    fields = Packet.parse(packet)
    if fields.is_key:
        return 0
    return decode_block(fields.body, MODEL, fields.refers, fields.time_bits).distance


def test_where_receivers_tell_nothing_else_is_referred_to():
    distances = a_still_call(12, lambda index: ({4}, False) if index >= 6 else (set(), False))
    assert distances == [0] * 6 + [2, 3, 4, 5, 6, 7]


def test_of_what_is_held_the_newest_is_referred_to():
    assert a_still_call(8, lambda index: ({2, 4, 5}, False))[7] == 2


def test_what_is_too_long_ago_is_not_referred_to():
    config = EncoderConfig(latency_ms=0.0, key_interval=32)
    distances = a_still_call(53, lambda index: ({2}, False), config)
    assert distances[31:] == [29, 30, 0, *range(32, 49), 0, 0], "32 is a key packet"


def test_while_nothing_is_lost_every_other_packet_needs_the_one_before():
    distances = a_still_call(10, lambda index: ({2}, True))
    assert distances[3:] == [1, 1, 3, 1, 5, 1, 7]


def test_how_many_may_need_each_other_can_be_chosen():
    config = EncoderConfig(latency_ms=0.0, chain=3)
    assert a_still_call(12, lambda index: ({2}, True), config)[3:] == [1, 1, 1, 1, 5, 1, 1, 1, 9]
    never = EncoderConfig(latency_ms=0.0, chain=0)
    assert a_still_call(6, lambda index: ({2}, True), never)[3:] == [1, 2, 3]


def test_a_talking_head_stands_alone():
    assert kinds(encode_all(talking_head(200))).count("REFERRING") <= 2


def test_a_recorded_call_takes_less_since_nothing_waits_and_nothing_is_lost():
    states = talking_head(400)
    live, recorded = encode_all(states), encode_all(states, config=RECORDED)
    assert held(recorded) == [8] * 50
    assert [number for number, kind in enumerate(kinds(recorded)) if kind == "KEY"] == [0, 32]
    assert sum(map(len, recorded)) < 0.9 * sum(map(len, live))


def test_a_slow_face_is_recorded_as_what_changed_since_the_packet_before():
    states = talking_head(80)
    slow = [replace(states[index // 8], pts_ms=40 * index) for index in range(400)]
    assert kinds(encode_all(slow, config=RECORDED)).count("REFERRING") > 40


def test_what_the_picture_does_not_show_is_not_sent():
    states = talking_head(100)
    seen = Sensitivity(np.diag((STEP / STEPS[:PERSON].astype(float)) ** 2), np.zeros(PERSON))
    half = np.diag(seen.curvature.diagonal() * (np.arange(PERSON) < 21))
    sizes = []
    for curvature in (seen.curvature, half):
        encoder = Encoder(SPEAKER, MODEL)
        sensitivity = Sensitivity(curvature, seen.slope)
        packets = [encoder.encode(state, sensitivity) for state in states]
        sizes.append(sum(len(packet) for packet in packets if packet is not None))
    assert sizes[1] < 0.7 * sizes[0]


def test_key_packets_come_at_their_interval_and_when_they_are_asked_for():
    states = talking_head(40)
    encoder = Encoder(SPEAKER, MODEL, config=EncoderConfig(key_interval=4))
    packets = encode_with(encoder, states[:20])
    encoder.request_key()
    packets += encode_with(encoder, states[20:])
    expected = ["KEY", "KEY", "ALONE", "ALONE", "ALONE"]
    assert kinds(packets) == 2 * expected


def test_key_packets_are_half_as_many_while_nothing_is_lost():
    config = EncoderConfig(key_interval=4, latency_ms=0.0)
    encoder = Encoder(SPEAKER, MODEL, config=config)
    encoder.acknowledge([], calm=True)
    calm = kinds(encode_with(encoder, talking_head(18)))
    assert [number for number, kind in enumerate(calm) if kind == "KEY"] == [0, 1, 9, 17]
    encoder.acknowledge([], calm=False)
    lossy = kinds(encode_with(encoder, talking_head(8, first_pts_ms=18 * 40)))
    assert [number for number, kind in enumerate(lossy) if kind == "KEY"] == [3, 7]


def test_lossless_packets_stand_alone():
    config = EncoderConfig(key_interval=3)
    packets = encode_all(talking_head(24), Profile.LOSSLESS, config)
    assert kinds(packets) == ["KEY", "KEY", "ALONE", "ALONE", "KEY", "ALONE"]


def test_sequence_numbers_and_times_wrap():
    states = talking_head(800, first_pts_ms=65_536 - 2_000)
    packets = encode_all(states, config=EncoderConfig(first_sequence=65_500))
    back = [state for part in decode_all(packets) for state in part]
    assert [state.pts_ms for state in back] == [state.pts_ms for state in states]


def test_a_state_that_is_no_number_is_refused_and_the_stream_goes_on():
    states = talking_head(5)
    broken = FaceState.from_vector(np.full(46, np.nan), 40)
    encoder = Encoder(SPEAKER, MODEL)
    assert encoder.encode(states[0]) is None
    with pytest.raises(QuantizationError, match="nan"):
        encoder.encode(broken)
    packets = encode_with(encoder, states[1:])
    assert held(packets) == [4, 1]


@pytest.mark.parametrize("pts_ms", [-1, MAX_PTS_MS + 1])
def test_times_that_do_not_fit_are_refused(pts_ms):
    with pytest.raises(CodecError, match="expected a time"):
        Encoder(SPEAKER, MODEL).encode(replace(talking_head(1)[0], pts_ms=pts_ms))


@pytest.mark.parametrize("latency_ms", [0, 120])
def test_a_frame_that_comes_twice_is_refused(latency_ms):
    state = talking_head(1)[0]
    encoder = Encoder(SPEAKER, MODEL, config=EncoderConfig(latency_ms=latency_ms))
    encoder.encode(replace(state, pts_ms=40))
    with pytest.raises(CodecError, match="another time than 40 ms"):
        encoder.encode(replace(state, pts_ms=40))


@pytest.mark.parametrize("later_ms", [60_000, 100])
def test_a_jump_in_time_is_sent_in_key_packets(later_ms):
    """A machine that slept, a clip that begins anew: short times would be taken for others."""
    states = talking_head(22)
    states = [replace(s, pts_ms=s.pts_ms + 20_000) for s in states[:10]] + [
        replace(s, pts_ms=later_ms + 40 * i) for i, s in enumerate(states[10:])
    ]
    expected = ["KEY", "KEY", "ALONE", "KEY", "KEY", "ALONE"]
    packets = encode_all(states)
    assert kinds(packets) == expected
    if later_ms > 20_000:
        assert held(packets) == [4, 4, 2, 4, 4, 4]


@pytest.mark.parametrize(
    "fields",
    [
        {"key_interval": 0},
        {"key_interval": 33},
        {"latency_ms": -1.0},
        {"frame_interval_ms": 0.0},
        {"price_of_bit": -0.1},
        {"refer_within": 49},
        {"chain": 49},
        {"first_sequence": 65_536},
    ],
)
def test_configurations_out_of_range_are_refused(fields):
    with pytest.raises(CodecError, match="expected"):
        EncoderConfig(**fields)


def test_wrong_speaker_ids_are_refused():
    with pytest.raises(CodecError, match="64 hexadecimal digits"):
        Encoder("anna", MODEL)
