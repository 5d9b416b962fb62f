import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.errors import (
    CodecError,
    CorruptPacketError,
    PacketError,
    TruncatedPacketError,
    UnsupportedVersionError,
)
from codec.face import Tracking
from codec.packet import KEY_CHECK_SEED, Packet, speaker_prefix, unwrap
from codec.quantize import Profile

KEY = Packet(
    Profile.COMPACT,
    Tracking.FACE,
    sequence=0x1234,
    body=b"\xaa\xbb",
    pts_ms=0x01020304,
    interval=2560,
    speaker_prefix=b"\xde\xad\xbe\xef",
)
PREDICTED = Packet(Profile.LOSSLESS, Tracking.DARK, sequence=0x3FE, body=b"\xaa", distance=5)


def test_a_key_packet_is_these_bytes_forever():
    assert bytes(KEY.sealed(KEY_CHECK_SEED)).hex() == (
        "50"  # version 2, key, compact, FACE
        "1234"  # sequence
        "01020304"  # presentation time
        "0a00"  # frame interval, 40 ms in 1/64
        "deadbeef"  # speaker
        "aabb"  # body
        "2f19"  # CRC-16
    )


def test_a_predicted_packet_is_these_bytes_forever():
    assert bytes(PREDICTED.sealed(0xB1D2)).hex() == (
        "4c"  # version 2, predicted, lossless, DARK
        "ff85"  # sequence 1022, distance 5
        "aa"  # body
        "9291"  # CRC-16
    )


@pytest.mark.parametrize("packet", [KEY, PREDICTED])
def test_parsing_gives_the_fields_back(packet):
    sealed = packet.sealed(7)
    parsed = Packet.parse(bytes(sealed))
    assert parsed == sealed
    parsed.verify(7)


@pytest.mark.parametrize("packet", [KEY, PREDICTED])
def test_every_flipped_bit_is_noticed(packet):
    data = bytes(packet.sealed(7))
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(PacketError):
            Packet.parse(bytes(damaged)).verify(7)


def test_another_seed_is_noticed():
    with pytest.raises(CorruptPacketError, match="another stream"):
        PREDICTED.sealed(1).verify(2)


def test_packets_shorter_than_their_header_are_truncated():
    for data in (bytes(KEY)[:14], bytes(PREDICTED)[:4], b""):
        with pytest.raises(TruncatedPacketError, match="expected"):
            Packet.parse(data)


def test_other_versions_are_named():
    with pytest.raises(UnsupportedVersionError, match="version 2, got 3"):
        Packet.parse(b"\x60" + bytes(20))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x47\x00\x01\x00\x00", "tracking status"),
        (b"\x40\x00\x40\x00\x00", "reference distance"),
        (b"\x50" + bytes(14), "frame interval"),
    ],
)
def test_fields_that_no_sender_writes_are_corrupt(data, message):
    with pytest.raises(CorruptPacketError, match=message):
        Packet.parse(data)


@given(st.binary(max_size=80))
def test_random_bytes_parse_or_raise_a_packet_error(data):
    try:
        packet = Packet.parse(data)
    except PacketError:
        return
    assert bytes(packet) == data


def test_a_speaker_is_named_by_four_bytes_of_its_id():
    assert speaker_prefix("DEADBEEF" + "0" * 56) == b"\xde\xad\xbe\xef"
    for wrong in ("", "deadbeef", "g" * 64, "0" * 63 + " "):
        with pytest.raises(CodecError, match="64 hexadecimal digits"):
            speaker_prefix(wrong)


@given(st.integers(0, 1 << 40), st.integers(-511, 511))
def test_shortened_numbers_unwrap_to_the_nearest(near, offset):
    number = near + offset
    assert unwrap(number % 1024, 10, near) == number
