import random
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.decoder import Decoder
from codec.encoder import EncoderConfig
from codec.errors import (
    CorruptPacketError,
    FuturePacketError,
    PacketError,
    ReplayedPacketError,
    TruncatedPacketError,
    WrongSpeakerError,
)
from codec.packet import KEY_CHECK_SEED, Packet
from codec.predict import encode_key_body
from codec.quantize import Profile
from tests.codec.streams import (
    OTHER_SPEAKER,
    SPEAKER,
    STEPS,
    assert_close,
    decode_those_that_arrive,
    encode_all,
    talking_head,
)

STATES = talking_head(120)
PACKETS = encode_all(STATES)
KEY_INTERVAL = EncoderConfig().key_interval
RESTARTED = encode_all(talking_head(60, seed=1), config=EncoderConfig(first_sequence=31_000))


def a_decoder(*packets):
    decoder = Decoder(SPEAKER, STEPS)
    for packet in packets:
        decoder.decode(packet)
    return decoder


@given(st.sets(st.integers(0, 119), max_size=100))
@settings(max_examples=40, deadline=None)
def test_any_losses_leave_only_right_states_and_end_at_the_next_key(lost):
    """Frames decode rightly or not at all, and all do after a key packet until the next loss."""
    arriving = [b"" if index in lost else packet for index, packet in enumerate(PACKETS)]
    decoded = dict(decode_those_that_arrive(arriving))
    for index, state in decoded.items():
        assert_close(state, STATES[index])
    for key in range(0, 120, KEY_INTERVAL):
        for index in range(key, key + KEY_INTERVAL):
            if index in lost:
                break
            assert index in decoded


@given(st.integers(0, 2**32), st.integers(1, 30))
@settings(max_examples=20, deadline=None)
def test_reordered_packets_decode_to_the_same_states(seed, span):
    """Each packet is delayed by up to `span` packets; none decodes to anything else."""
    draw = random.Random(seed)
    order = sorted(range(120), key=lambda index: index + draw.uniform(0, span))
    decoded = decode_those_that_arrive([PACKETS[index] for index in order])
    for position, state in decoded:
        assert_close(state, STATES[order[position]])
    assert len(decoded) >= 120 // KEY_INTERVAL


def test_a_swapped_pair_of_packets_costs_nothing_when_the_late_one_is_no_reference():
    packets = [*PACKETS[:4], PACKETS[5], PACKETS[4], PACKETS[6]]
    decoded = decode_those_that_arrive(packets)
    assert [state.pts_ms // 40 for _, state in decoded] == [0, 1, 2, 3, 5, 4, 6]


def test_a_lost_link_costs_the_rest_of_its_group_only():
    packets = [packet for index, packet in enumerate(PACKETS[:20]) if index != 7]
    decoder = Decoder(SPEAKER, STEPS)
    decoded = decode_those_that_arrive(packets, decoder)
    assert [state.pts_ms // 40 for _, state in decoded] == [*range(7), *range(10, 20)]
    assert decoder.counters == {"decoded": 17, "MissingReferenceError": 2}


def test_a_late_joiner_starts_at_the_first_key():
    decoder = Decoder(SPEAKER, STEPS)
    decoded = decode_those_that_arrive(PACKETS[9:45], decoder)
    assert decoded[0][0] + 9 == KEY_INTERVAL
    assert len(decoded) == 45 - KEY_INTERVAL
    assert decoder.counters["MissingReferenceError"] == KEY_INTERVAL - 9


def test_replayed_packets_are_dropped():
    decoder = a_decoder(*PACKETS)
    for packet in PACKETS:
        with pytest.raises(ReplayedPacketError):
            decoder.decode(packet)
    assert decoder.counters == {"decoded": 120, "ReplayedPacketError": 120}


def test_a_whole_stretch_replayed_later_does_not_take_the_call_over():
    states = talking_head(300)
    packets = encode_all(states)
    decoder = a_decoder(*packets[:200])
    for packet in packets[:30]:
        with pytest.raises(ReplayedPacketError):
            decoder.decode(packet)
    for packet, original in zip(packets[200:], states[200:], strict=True):
        assert_close(decoder.decode(packet), original)


def test_a_packet_from_the_future_is_dropped():
    decoder = a_decoder(*PACKETS[:30])
    with pytest.raises(FuturePacketError, match="sequence number"):
        decoder.decode(RESTARTED[0])
    ahead = encode_all(
        talking_head(1, first_pts_ms=3_600_000), config=EncoderConfig(first_sequence=100)
    )
    with pytest.raises(FuturePacketError, match="time"):
        decoder.decode(ahead[0])
    assert_close(decoder.decode(PACKETS[30]), STATES[30])
    assert decoder.counters == {"decoded": 31, "FuturePacketError": 2}


def test_a_restarted_sender_is_followed_after_three_of_its_packets():
    decoder = a_decoder(*PACKETS[:30])
    decoded = decode_those_that_arrive(RESTARTED, decoder)
    assert [position for position, _ in decoded] == list(range(2, 60))
    for position, state in decoded:
        assert_close(state, talking_head(60, seed=1)[position])


@pytest.mark.parametrize("first_sequence", [0, 15, 25, 40, 65_500])
def test_a_sender_that_restarts_within_the_window_is_followed_too(first_sequence):
    decoder = a_decoder(*PACKETS[:30])
    states = talking_head(60, seed=2)
    packets = encode_all(states, config=EncoderConfig(first_sequence=first_sequence))
    decoded = decode_those_that_arrive(packets, decoder)
    assert all(position in dict(decoded) for position in range(KEY_INTERVAL + 3, 60))
    for position, state in decoded:
        assert_close(state, states[position])


def test_a_restarted_sender_whose_first_packets_are_lost_is_followed_from_its_next_key():
    decoder = a_decoder(*PACKETS[:30])
    decoded = decode_those_that_arrive(RESTARTED[5:], decoder)
    assert decoded[0][0] + 5 == KEY_INTERVAL + 2


def test_a_long_interruption_of_the_network_ends_at_the_first_key():
    states = talking_head(900)
    packets = encode_all(states)
    decoder = a_decoder(*packets[:30])
    decoded = decode_those_that_arrive(packets[830:], decoder)
    assert decoded[0][0] == 10  # packet 840
    assert len(decoded) == 60


def test_a_key_packet_of_another_speaker_is_named():
    decoder = a_decoder(*PACKETS[:3])
    others = encode_all(STATES[:5], speaker=OTHER_SPEAKER)
    with pytest.raises(WrongSpeakerError, match=r"01234567…, got one of fedcba98…"):
        decoder.decode(others[0])
    for packet in others[1:3]:
        with pytest.raises(ReplayedPacketError):
            decoder.decode(packet)
    for packet in others[3:]:
        with pytest.raises(PacketError):
            decoder.decode(packet)
    assert decoder.counters["decoded"] == 3


def test_a_predicted_packet_of_another_speaker_fails_its_checksum():
    other = encode_all(STATES[:4], speaker=OTHER_SPEAKER)[3]
    with pytest.raises(CorruptPacketError, match="another stream"):
        a_decoder(*PACKETS[:3]).decode(other)


@pytest.mark.parametrize("index", [0, 1, 20, 21, 25])
def test_every_flipped_bit_is_dropped_and_harms_nothing(index):
    decoder = a_decoder(*PACKETS[:index])
    for bit in range(8 * len(PACKETS[index])):
        damaged = bytearray(PACKETS[index])
        damaged[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(PacketError):
            decoder.decode(bytes(damaged))
    assert_close(decoder.decode(PACKETS[index]), STATES[index])


def test_every_truncation_is_dropped():
    decoder = a_decoder(*PACKETS[:5])
    for packet in (PACKETS[5], PACKETS[20]):
        for length in range(len(packet)):
            with pytest.raises(PacketError):
                decoder.decode(packet[:length])
    assert decoder.counters[TruncatedPacketError.__name__] >= 5


@given(st.lists(st.binary(max_size=80), max_size=20))
@settings(max_examples=100, deadline=None)
def test_random_bytes_never_raise_anything_but_a_packet_error(datagrams):
    decoder = a_decoder(*PACKETS[:3])
    for datagram in datagrams:
        try:
            decoder.decode(datagram)
        except PacketError as error:
            assert "\n" not in str(error)


@given(st.binary(max_size=80), st.integers(0, 7), st.booleans())
@settings(max_examples=100, deadline=None)
def test_garbage_under_a_right_checksum_never_raises_anything_but_a_packet_error(
    body, distance, lossless
):
    """What a hostile sender can do: valid framing around a body that no encoder writes."""
    decoder = a_decoder(*PACKETS[:8])
    profile = Profile.LOSSLESS if lossless else Profile.COMPACT
    packet = replace(
        Packet.parse(PACKETS[0] if distance == 0 else PACKETS[8]),
        profile=profile,
        sequence=8,
        body=body,
        distance=distance,
    )
    seed = Packet.parse(PACKETS[8 - distance]).check if distance else KEY_CHECK_SEED
    with suppress(PacketError):
        decoder.decode(bytes(packet.sealed(seed)))
    assert decoder.counters.total() == 9


def test_a_half_that_is_not_finite_is_dropped():
    body, _ = encode_key_body((0x7C00,) * 46, (256,) * 47, Profile.LOSSLESS)
    packet = replace(Packet.parse(PACKETS[0]), profile=Profile.LOSSLESS, body=body)
    with pytest.raises(CorruptPacketError, match="31744"):
        a_decoder().decode(bytes(packet.sealed(KEY_CHECK_SEED)))


def test_a_stream_may_change_its_profile_at_a_key():
    lossless = encode_all(STATES[20:30], Profile.LOSSLESS, config=EncoderConfig(first_sequence=20))
    decoded = decode_those_that_arrive([*PACKETS[:20], *lossless])
    assert len(decoded) == 30
