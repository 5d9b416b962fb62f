from dataclasses import replace

import numpy as np
import pytest

from codec.decoder import Decoder
from codec.encoder import Encoder, EncoderConfig
from codec.errors import CodecError, QuantizationError
from codec.face import FaceState, Tracking
from codec.packet import MAX_PTS_MS, Packet
from codec.quantize import Profile
from tests.codec.streams import (
    SPEAKER,
    STEPS,
    assert_close,
    counted_state,
    decode_those_that_arrive,
    encode_all,
    talking_head,
)

GOLDEN_COMPACT = [
    (
        "5003ff000000000a00012345675a55b2a715419649af501dd1b44f7a588dbe652b76a0d3fb65ba588179"
        "0e6e1f14c73dd54a30f097f22c"
    ),
    ("40000163f4150bfdcf2c03aa891f68ac2fb01ab7a2f8734bdb9fc51957493eb6ef2f218da72c60c7e7"),
    ("4000426c8dd605055cc134cf4fa2e68622c09a3c864c883952f4d611d2de07b88566a168f9ce121b"),
    (
        "5104020000007b0a40012345675ac01c555a57024d6737bc7123fda9b76e119b0bde70222708f667b6f9"
        "559034aad5c2f0de"
    ),
]
GOLDEN_LOSSLESS = [
    (
        "5803ff000000000a00012345675a5770bea1cb44a94a5006405e8a992dc2ad20550424a174be2c579188"
        "caec3c493bef4ebf486d6168cc826a7c3b7648c8badac4d7f488bdd69ccaeef5a777e7fa61eaef3d5b8b"
        "723b4d21c21e83018cbaa6ecc7e114f2c77508962854075360287ffd"
    ),
    (
        "48000174191c66be3ce1e26a2f24718458464d465c3153c94ad37dcaebf710af96abbd55487c2cb90d00"
        "a04ab3c6512e539b8ac141c8a387be58627158a9b2fc91478889c629af5deb1b350cb1e573d71328dcff"
        "ea896c800e64a6d95cda092fe971ad09ed312649653fd7a29654554055b800b7fbeec2d2805b4772b68a"
        "7ed5c2f23aa6c3393d3818e5aaf91e98e7e3ae03847c4229038b2801657243aa07d86f2bfbf1a6002c51"
        "017753760ed053d9"
    ),
    (
        "480042741094da93064bbcccf4e2e0245e08a1820f1e8a401e75a2af9c2927c93c61f5016df913c5f41a"
        "c424ab11c750902a40e096baf9c32617a562a8d67753f613258b48f8e1ff8c94bc6388e262bc1f1793b0"
        "3b946082092fa59246dab492abfc5e747d56f81272da81be36492c191f7fc9c8c863e132da03ad8c078c"
        "e32306dbd46d7af0456c97820668b17b4a650d704a59add374be6cb960e4c22aa16172d4c958a4933a13"
        "9c36bd"
    ),
    (
        "5904020000007b0a4001234567ffbd028c85b1e68777efc2fad539ca52713378295582d6f09b814c8411"
        "bcc41f043db99a6d9894fed24e5944a387aca1065e8cf18b694d6a7388601d9c3fd233f06c77d4782e7a"
        "fc4e74418d38197102723af6cab13b36aa5284af302b7a0935fd53c93c74"
    ),
]


def distances(packets):
    return [Packet.parse(packet).distance for packet in packets]


@pytest.mark.parametrize(
    ("profile", "golden"), [(Profile.COMPACT, GOLDEN_COMPACT), (Profile.LOSSLESS, GOLDEN_LOSSLESS)]
)
def test_packets_are_these_bytes_forever(profile, golden):
    config = EncoderConfig(key_interval=3, group=2, first_sequence=1023)
    states = [counted_state(index) for index in range(3)]
    states.append(replace(counted_state(3), pts_ms=123, tracking=Tracking.NO_FACE))
    packets = encode_all(states, profile, config)
    assert [packet.hex() for packet in packets] == golden


def test_anchors_refer_to_the_key_packet_and_links_to_the_packet_before():
    packets = encode_all(talking_head(13), config=EncoderConfig(key_interval=10, group=4))
    assert distances(packets) == [0, 1, 1, 1, 4, 1, 1, 1, 8, 1, 0, 1, 1]


def test_the_compact_profile_is_right_to_half_a_step():
    states = talking_head(100)
    decoded = decode_those_that_arrive(encode_all(states))
    assert len(decoded) == 100
    for (_, state), original in zip(decoded, states, strict=True):
        assert_close(state, original)


def test_the_lossless_profile_is_right_to_the_last_bit_of_half_precision():
    states = talking_head(100)
    states[50] = FaceState.from_vector(-0.0 * states[50].vector(), 2000)
    decoded = decode_those_that_arrive(encode_all(states, Profile.LOSSLESS))
    for (_, state), original in zip(decoded, states, strict=True):
        expected = original.vector().astype(np.float16).view(np.uint16)
        assert (state.vector().astype(np.float16).view(np.uint16) == expected).all()


def test_an_unchanged_frame_costs_its_header():
    still = talking_head(1)[0]
    packets = encode_all([replace(still, pts_ms=40 * index) for index in range(20)])
    assert [len(packet) for packet in packets[1:]] == [5] * 19


def test_a_talking_head_costs_a_few_kilobits():
    """Differences of about three steps in all 46 channels, whole packets, 25 fps."""
    packets = encode_all(talking_head(250))
    assert 3.0 < sum(map(len, packets)) * 8 / 10 / 1000 < 6.0


def test_a_camera_that_pans_costs_some_hundred_bits_and_one_that_stands_still_none_of_them():
    still, panning = (
        sum(map(len, encode_all(talking_head(250, panning=pans)))) * 8 / 10
        for pans in (False, True)
    )
    assert 200 < panning - still < 600


def test_a_requested_key_is_the_next_packet():
    states = talking_head(4)
    encoder = Encoder(SPEAKER, STEPS)
    packets = [encoder.encode(state) for state in states[:2]]
    encoder.request_key()
    packets += [encoder.encode(state) for state in states[2:]]
    assert distances(packets) == [0, 1, 0, 1]


def test_a_jump_in_time_is_sent_as_a_key_packet():
    times = [0, 40, 80, 60_000, 60_040, 100, 140]
    states = [
        replace(state, pts_ms=pts_ms) for state, pts_ms in zip(talking_head(7), times, strict=True)
    ]
    assert distances(encode_all(states)) == [0, 1, 1, 0, 1, 0, 1]


def test_the_measured_frame_interval_is_sent_with_the_next_key():
    packets = encode_all(talking_head(41, interval_ms=33))
    assert [Packet.parse(packets[i]).interval for i in (0, 20, 40)] == [2560, 33 * 64, 33 * 64]


def test_sequence_numbers_wrap():
    states = talking_head(80)
    packets = encode_all(states, config=EncoderConfig(first_sequence=65_500))
    decoder = Decoder(SPEAKER, STEPS)
    for packet, original in zip(packets, states, strict=True):
        assert_close(decoder.decode(packet), original)


def test_a_state_that_is_no_number_is_refused_and_the_stream_goes_on():
    states = talking_head(3)
    broken = FaceState.from_vector(np.full(46, np.nan), 40)
    encoder = Encoder(SPEAKER, STEPS)
    first = encoder.encode(states[0])
    with pytest.raises(QuantizationError, match="nan"):
        encoder.encode(broken)
    packets = [first, encoder.encode(states[1]), encoder.encode(states[2])]
    assert len(decode_those_that_arrive(packets)) == 3


@pytest.mark.parametrize("pts_ms", [-1, MAX_PTS_MS + 1])
def test_times_that_do_not_fit_are_refused(pts_ms):
    with pytest.raises(CodecError, match="expected a time"):
        Encoder(SPEAKER, STEPS).encode(replace(talking_head(1)[0], pts_ms=pts_ms))


@pytest.mark.parametrize(
    "fields",
    [
        {"key_interval": 0},
        {"key_interval": 65},
        {"group": 0},
        {"frame_interval_ms": 0.0},
        {"first_sequence": 65_536},
    ],
)
def test_configurations_out_of_range_are_refused(fields):
    with pytest.raises(CodecError, match="expected"):
        EncoderConfig(**fields)


def test_wrong_steps_and_speaker_ids_are_refused():
    with pytest.raises(QuantizationError, match="46 quantisation steps"):
        Encoder(SPEAKER, STEPS[:5])
    with pytest.raises(CodecError, match="64 hexadecimal digits"):
        Encoder("anna", STEPS)
