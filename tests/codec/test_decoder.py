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
    MissingReferenceError,
    PacketError,
    ReplayedPacketError,
    TruncatedPacketError,
    WrongSpeakerError,
)
from codec.packet import Kind, Packet, Place
from codec.profile import Profile
from tests.codec.streams import (
    MODEL,
    OTHER_SPEAKER,
    SPEAKER,
    assert_same,
    decode_all,
    decode_those_that_arrive,
    encode_all,
    talking_head,
)

COUNT = 60
CONFIG = EncoderConfig(key_interval=16, latency_ms=40, refer_within=0)
STATES = talking_head(2 * COUNT)
PACKETS = encode_all(STATES, config=CONFIG)
FRAMES = decode_all(PACKETS)
RESTARTED = encode_all(talking_head(60, seed=1), config=replace(CONFIG, first_sequence=31_000))
PREFIX = bytes.fromhex(SPEAKER)[:4]


def still_stream(packets=COUNT):
    """A face that is still: most packets refer to the last that stands alone."""
    state = talking_head(1)[0]
    states = [replace(state, pts_ms=40 * index) for index in range(2 * packets)]
    return encode_all(states, config=replace(CONFIG, refer_within=6))


def a_decoder(*packets):
    decoder = Decoder(SPEAKER, MODEL)
    for packet in packets:
        decoder.decode(packet)
    return decoder


@given(st.sets(st.integers(1, COUNT - 1), max_size=40))
@settings(max_examples=40, deadline=None)
def test_whatever_is_lost_all_else_is_as_it_was_sent(lost):
    arriving = [b"" if index in lost else packet for index, packet in enumerate(PACKETS)]
    decoded = decode_those_that_arrive(arriving)
    assert [index for index, _ in decoded] == [i for i in range(COUNT) if i not in lost]
    for index, states in decoded:
        assert_same(states, FRAMES[index])


@given(st.integers(0, 2**32), st.integers(1, 30))
@settings(max_examples=20, deadline=None)
def test_reordered_packets_decode_to_the_same_frames(seed, span):
    """Each packet is delayed by up to `span` packets; none decodes to anything else."""
    draw = random.Random(seed)
    order = sorted(range(COUNT), key=lambda index: index + draw.uniform(0, span))
    decoded = decode_those_that_arrive([PACKETS[index] for index in order])
    for position, states in decoded:
        assert_same(states, FRAMES[order[position]])
    assert len(decoded) >= COUNT - order.index(1) - 16


def test_what_a_still_face_refers_to_is_needed_and_nothing_else():
    packets = still_stream()
    kinds = [Packet.parse(packet).kind for packet in packets]
    frames = decode_all(packets)
    alone = [index for index, kind in enumerate(kinds) if kind is not Kind.REFERRING]
    gone = alone[3]
    decoder = Decoder(SPEAKER, MODEL)
    arriving = [packet for index, packet in enumerate(packets) if index != gone]
    decoded = decode_those_that_arrive(arriving, decoder)
    assert decoder.counters["MissingReferenceError"] == alone[4] - gone - 1
    assert len(decoded) == COUNT - (alone[4] - gone)
    for position, states in decoded:
        assert_same(states, frames[position + (position >= gone)])


def test_a_late_joiner_starts_at_the_first_key():
    decoder = Decoder(SPEAKER, MODEL)
    decoded = decode_those_that_arrive(PACKETS[9:45], decoder)
    assert decoded[0][0] + 9 == 17
    assert len(decoded) == 45 - 17
    assert decoder.counters["MissingReferenceError"] == 17 - 9


def test_replayed_packets_are_dropped():
    decoder = a_decoder(*PACKETS)
    for packet in PACKETS[-32:]:
        with pytest.raises(ReplayedPacketError):
            decoder.decode(packet)
    for packet in PACKETS[:-32]:  # these may be taken for later ones, whose checksum they lack
        with pytest.raises((ReplayedPacketError, CorruptPacketError)):
            decoder.decode(packet)
    assert decoder.counters["decoded"] == COUNT


def test_a_whole_stretch_replayed_later_does_not_take_the_call_over():
    packets = encode_all(talking_head(400), config=CONFIG)
    frames = decode_all(packets)
    decoder = a_decoder(*packets[:150])
    for packet in packets[:30]:
        with pytest.raises(PacketError):
            decoder.decode(packet)
    for packet, states in zip(packets[150:], frames[150:], strict=True):
        assert_same(decoder.decode(packet), states)


def test_a_packet_from_the_future_is_dropped():
    decoder = a_decoder(*PACKETS[:30])
    with pytest.raises(FuturePacketError, match="sequence number"):
        decoder.decode(RESTARTED[0])
    ahead = encode_all(
        talking_head(1, first_pts_ms=3_600_000), config=EncoderConfig(first_sequence=100)
    )
    with pytest.raises(FuturePacketError, match="time"):
        decoder.decode(ahead[0])
    assert_same(decoder.decode(PACKETS[30]), FRAMES[30])
    assert decoder.counters == {"decoded": 31, "FuturePacketError": 2}


def test_a_restarted_sender_is_followed_after_three_of_its_packets():
    decoder = a_decoder(*PACKETS[:30])
    decoded = decode_those_that_arrive(RESTARTED, decoder)
    assert [position for position, _ in decoded] == list(range(2, 30))
    for position, states in decoded:
        assert_same(states, decode_all(RESTARTED)[position])


@pytest.mark.parametrize("first_sequence", [0, 15, 25, 40, 65_500])
def test_a_sender_that_restarts_within_the_window_is_followed_too(first_sequence):
    decoder = a_decoder(*PACKETS[:30])
    packets = encode_all(
        talking_head(120, seed=2), config=replace(CONFIG, first_sequence=first_sequence)
    )
    decoded = dict(decode_those_that_arrive(packets, decoder))
    assert all(position in decoded for position in range(17 + 3, COUNT))


def test_a_restarted_sender_whose_first_packets_are_lost_is_followed_from_its_next_key():
    decoder = a_decoder(*PACKETS[:30])
    decoded = decode_those_that_arrive(RESTARTED[5:], decoder)
    assert decoded[0][0] + 5 == 17 + 2


def test_a_long_interruption_of_the_network_ends_at_the_first_key():
    packets = encode_all(talking_head(900), config=CONFIG)
    frames = decode_all(packets)
    decoder = a_decoder(*packets[:15])
    decoded = decode_those_that_arrive(packets[401:], decoder)
    assert decoded[0][0] + 401 == 401 + (1 - 401) % 16
    for position, states in decoded:
        assert_same(states, frames[position + 401])


def test_a_key_packet_of_another_speaker_is_named():
    decoder = a_decoder(*PACKETS[:3])
    others = encode_all(STATES[:10], config=CONFIG, speaker=OTHER_SPEAKER)
    with pytest.raises(WrongSpeakerError, match=r"01234567…, got one of fedcba98…"):
        decoder.decode(others[0])
    for packet in others[1:]:
        with pytest.raises(PacketError):
            decoder.decode(packet)
    assert decoder.counters["decoded"] == 3


def test_a_packet_of_another_speaker_fails_its_checksum():
    other = encode_all(STATES[:8], config=CONFIG, speaker=OTHER_SPEAKER)[3]
    with pytest.raises(CorruptPacketError, match="another stream"):
        a_decoder(*PACKETS[:3]).decode(other)


@pytest.mark.parametrize("index", [0, 1, 2, 17, 21])
def test_every_flipped_bit_is_dropped_and_harms_nothing(index):
    decoder = a_decoder(*PACKETS[:index])
    for bit in range(8 * len(PACKETS[index])):
        damaged = bytearray(PACKETS[index])
        damaged[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(PacketError):
            decoder.decode(bytes(damaged))
    assert_same(decoder.decode(PACKETS[index]), FRAMES[index])


def test_truncations_are_dropped():
    """One in 256 would pass a checksum of eight bits by chance; of these, none does."""
    decoder = a_decoder(*PACKETS[:5])
    for packet in (PACKETS[7], PACKETS[17]):
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


@given(st.binary(max_size=120), st.sampled_from(Kind), st.booleans(), st.integers(1, 7))
@settings(max_examples=200, deadline=None)
def test_garbage_under_a_right_checksum_never_raises_anything_but_a_packet_error(
    body, kind, lossless, distance
):
    """What a hostile sender can do: valid framing around a body that no encoder writes."""
    decoder = a_decoder(*PACKETS[:8])
    reference = Packet.parse(PACKETS[8 - distance]).check
    packet = Packet(
        kind,
        Profile.LOSSLESS if lossless else Profile.COMPACT,
        Packet.parse(PACKETS[8]).tracking,
        8,
        640,
        32 if kind is Kind.KEY else 2,
        body,
        PREFIX if kind is Kind.KEY else b"",
    )
    place = Place(PREFIX, 8, 640)
    sealed = packet.sealed(place.referring_to(reference) if packet.refers else place)
    with suppress(PacketError):
        decoder.decode(bytes(sealed))
    assert decoder.counters.total() == 9


def test_a_lossless_packet_refers_to_nothing():
    decoder = a_decoder(*PACKETS[:8])
    packet = Packet(
        Kind.REFERRING, Profile.LOSSLESS, Packet.parse(PACKETS[8]).tracking, 8, 640 % 4, 2, b""
    )
    place = Place(PREFIX, 8, 640, Packet.parse(PACKETS[7]).check)
    with pytest.raises(CorruptPacketError, match="lossless packet alone, got one that refers"):
        decoder.decode(bytes(packet.sealed(place)))


def test_nothing_refers_to_a_lossless_packet():
    config = replace(CONFIG, key_interval=16)
    lossless = encode_all(STATES[:12], Profile.LOSSLESS, config=config)
    decoder = a_decoder(*lossless)
    first = len(lossless)
    packet = Packet(Kind.REFERRING, Profile.COMPACT, STATES[0].tracking, first, 480 % 4, 2, b"")
    place = Place(PREFIX, first, 480, Packet.parse(lossless[-1]).check)
    with pytest.raises(CorruptPacketError, match="compact reference, got a lossless one"):
        decoder.decode(bytes(packet.sealed(place)))


def test_a_stream_may_change_its_profile_at_a_key():
    config = replace(CONFIG, first_sequence=20)
    lossless = encode_all(STATES[40:60], Profile.LOSSLESS, config=config)
    decoded = decode_those_that_arrive([*PACKETS[:20], *lossless])
    assert len(decoded) == 30


def test_the_first_packet_has_to_be_a_key():
    with pytest.raises(MissingReferenceError, match="key packet first"):
        Decoder(SPEAKER, MODEL).decode(PACKETS[2])
