from dataclasses import replace

import numpy as np
import pytest

from codec.encoder import Encoder, EncoderConfig
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
        "6a03ff0000000001234567ffc5c1f36c37d6bca824727ce6b9eb6ae109246811ae153142c7efd3b6a8f1"
        "c222f7b455075c03466e3e4bbedc32f5bbfb3edd082a7b7425990334eeb6f4b8f1d9df56e0cf91cb4dce"
        "ff0e4e8c67cc09"
    ),
    (
        "6a04000000005001234567ffc5be2cc1393fb8b60ed2ef1f36b2c10144e99c4294943e78687730ab1cef"
        "e67ba3c3580a7cb67f070b5c1db54c6a41e76d751bb52f741677f74b578ca12ddb7a97233a8414118f63"
    ),
    (
        "600100a0ffcf56de37a5fa354f1dbfb3cf39d5306f550c9e3d292b7473752c926b235cc6680d6b19e96b"
        "35996fbc3021"
    ),
    ("650200f074f4"),
    (
        "6b04030000014d01234567fff94a19dd018c10c1fce1eeedbec3eb229dc52c917e5c5ad408de861e1ef1"
        "1c5c0622c7bb54336f"
    ),
]
GOLDEN_LOSSLESS = [
    (
        "7a03ff0000000001234567ffd08825efab5b247d145b39e04e2f201aacf53c761c3f44287d083baa66aa"
        "085987a39853b7e810cac541eac867a13d03a60ec9bf5bf1ef57f33f0d7a98338909900bbf60177d41f5"
        "fe59485f0a7dc653d46da6bf02094351b1b91537cd03d7f477338291623a3f7276c6fe601cf5d21e5fd9"
        "ffa1e9e0eca88343acc5753e9b4de635bf21fed3fcdb8bb88e85ee56fb6007ed2d180d74997c6a202a0a"
        "20735d64a12fa6ce4326729da323664e9ffb6cb2e85438939254b25e814df868d58e9f8ed2f10777846b"
        "673ddce0f0883ebdab9c8c9d5473e74c1551f38f"
    ),
    (
        "7a04000000005001234567ffca692d028001f93fdb18e5b956b0668fdd21f1e5d3ce9158e1adecf0e41e"
        "682bc984dbd3a45d3cd0991e909bf762d57c304f6c74cc5ea8fef2621f6ac57fb38d5753f26d7d9c440e"
        "fe2209addab21813c711679db0f6549930574e1e8e8fd5820eb3768fc4ef05e23317c9f2d73104abc0e1"
        "61fb7f1f42c62892c81b5e493e12f8d6532a720809e58e68b42624feb6784a3e3af6917b10f450ade102"
        "0ff0ef820ecf2b061e0e9704cb91e5f29f534c58f50fd1a108b43c13a860fbfb3346a1f1a070699d9e3e"
        "b6797a78817b022fe01853f042742c852416185ab5"
    ),
    (
        "750100a0741a68273eb0dfe91e858099f1d50630f4af4b8a218eaed6f087834cd93b7eeed49978da6a15"
        "bd303b9f8440b7eea4f3c5f7d3ff7df4c1636de32ff13459023316cca004f2aa87cd49ee0bf0dc8d9ab9"
        "ab41240cb5a10fc0d7a70b036f2d72becac2e6a853140c96"
    ),
    ("750200f073fbb74439"),
    (
        "7b04030000014d01234567fff9687116ca1515667c798018b85c7b897bea6c6493b72d834b198c216403"
        "de4e6de29624ac1876bef906265caaff2ff733dc71ff4f8ed46c87523363c0b1388f5b5cdfc36bc7cf70"
        "3097d8564101f90156aadf11f3a36d2fe83d1b46ad06ffa9"
    ),
]


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


def test_frames_share_a_packet_for_as_long_as_they_may_wait():
    states = talking_head(24)
    for latency_ms, frames in ((0, 1), (39, 1), (40, 2), (120, 4), (1000, 8)):
        packets = encode_all(states, config=EncoderConfig(latency_ms=latency_ms))
        assert held(packets) == [frames] * (24 // frames)


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
    packets = encode_all(states, config=EncoderConfig(price_of_bit=0.0, latency_ms=0))
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


def test_a_talking_head_stands_alone():
    assert kinds(encode_all(talking_head(200))).count("REFERRING") <= 2


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


def test_lossless_packets_refer_to_the_one_before():
    config = EncoderConfig(key_interval=3)
    packets = encode_all(talking_head(16), Profile.LOSSLESS, config)
    assert kinds(packets) == ["KEY", "KEY", "REFERRING", "REFERRING"]


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
        {"key_interval": 129},
        {"latency_ms": -1.0},
        {"frame_interval_ms": 0.0},
        {"price_of_bit": -0.1},
        {"refer_within": 16},
        {"first_sequence": 65_536},
    ],
)
def test_configurations_out_of_range_are_refused(fields):
    with pytest.raises(CodecError, match="expected"):
        EncoderConfig(**fields)


def test_wrong_speaker_ids_are_refused():
    with pytest.raises(CodecError, match="64 hexadecimal digits"):
        Encoder("anna", MODEL)
