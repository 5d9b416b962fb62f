import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.entropy import Bits, RangeDecoder, RangeEncoder
from codec.errors import (
    CodecError,
    CorruptPacketError,
    PacketError,
    TruncatedPacketError,
    UnsupportedVersionError,
)
from codec.face import Tracking
from codec.packet import TIME_BITS, Kind, Packet, Place, crc_8, speaker_prefix, unwrap
from codec.profile import Profile

PREFIX = b"\xde\xad\xbe\xef"
KEY = Packet(
    Kind.KEY,
    Profile.COMPACT,
    Tracking.FACE,
    sequence=0x1234,
    pts_ms=0x01020304,
    time_bits=32,
    body=b"\xaa\xbb",
    speaker_prefix=PREFIX,
)
REFERRING = Packet(
    Kind.REFERRING,
    Profile.LOSSLESS,
    Tracking.DARK,
    0x35,
    pts_ms=0x2C,
    time_bits=8,
    body=b"\x2c\xaa",
)
HERE = Place(PREFIX, 0x1234, 0x01020304)
THERE = Place(PREFIX, 0x1235, 0x0102032C, 0xB1D2)


def test_a_key_packet_is_these_bytes_forever():
    assert bytes(KEY.sealed(HERE)).hex() == (
        "ca"  # version 6, compact, key and FACE
        "1234"  # sequence
        "01020304"  # presentation time
        "deadbeef"  # speaker
        "aabb"  # body
        "1616"  # CRC-16
    )


def test_a_packet_between_is_these_bytes_forever():
    assert bytes(REFERRING.sealed(THERE)).hex() == (
        "d9"  # version 6, lossless, referring and DARK
        "b5"  # 8 bits of the time, sequence
        "2c"  # these bits: the body's first
        "aa"  # the rest of it
        "2b"  # CRC-8
    )


@pytest.mark.parametrize(("packet", "place"), [(KEY, HERE), (REFERRING, THERE)])
def test_parsing_gives_the_fields_back(packet, place):
    sealed = packet.sealed(place)
    parsed = Packet.parse(bytes(sealed))
    assert parsed == sealed
    parsed.verify(place)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("tracking", Tracking)
def test_every_kind_and_status_is_told_apart(kind, tracking):
    prefix = PREFIX if kind is Kind.KEY else b""
    time_bits = 32 if kind is Kind.KEY else 2
    packet = Packet(kind, Profile.COMPACT, tracking, 1, 0, time_bits, b"", prefix)
    parsed = Packet.parse(bytes(packet))
    assert (parsed.kind, parsed.tracking) == (kind, tracking)


@pytest.mark.parametrize(
    "place",
    [
        Place(b"\xde\xad\xbe\xee", 0x1235, 0x0102032C, 0xB1D2),
        Place(PREFIX, 0x1275, 0x0102032C, 0xB1D2),
        Place(PREFIX, 0x1235, 0x0102042C, 0xB1D2),
        Place(PREFIX, 0x1235, 0x0102032C, 0xB1D3),
        Place(PREFIX, 0x1235, 0x0102032C),
    ],
)
def test_a_packet_in_another_place_fails_its_checksum(place):
    """What the header leaves out counts: speaker, highest bits, reference."""
    with pytest.raises(CorruptPacketError, match="another stream"):
        REFERRING.sealed(THERE).verify(place)


@pytest.mark.parametrize(("packet", "place"), [(KEY, HERE), (REFERRING, THERE)])
def test_every_flipped_bit_is_noticed(packet, place):
    data = bytes(packet.sealed(place))
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(PacketError):
            Packet.parse(bytes(damaged)).verify(place)


def test_the_short_checksum_is_the_published_one():
    assert crc_8(b"123456789") == 0xF4  # CRC-8/SMBUS in the CRC RevEng catalogue


def test_packets_shorter_than_their_header_are_truncated():
    for data in (bytes(KEY)[:12], bytes(REFERRING)[:2], b""):
        with pytest.raises(TruncatedPacketError, match="expected"):
            Packet.parse(data)


def test_other_versions_are_named():
    with pytest.raises(UnsupportedVersionError, match="version 6, got 2"):
        Packet.parse(b"\x40" + bytes(20))


def test_a_status_that_no_sender_writes_is_corrupt():
    with pytest.raises(CorruptPacketError, match="status of 0 to 14, got 15"):
        Packet.parse(b"\xcf" + bytes(20))


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


@pytest.mark.parametrize("bits", TIME_BITS)
def test_the_times_lowest_bits_are_the_bodys_first(bits):
    body = RangeEncoder(Bits(0b1010_0110_0101_1011 >> 16 - bits, bits))
    body.code(5, 256)
    packet = Packet(Kind.ALONE, Profile.COMPACT, Tracking.FACE, 1, 0, bits, body.finish())
    parsed = Packet.parse(bytes(packet))
    assert (parsed.time_bits, parsed.pts_ms) == (bits, 0b1010_0110_0101_1011 >> 16 - bits)
    assert RangeDecoder(parsed.body, bits).code(0, 256) == 5


@given(st.integers(0, 1 << 40), st.integers(-127, 127))
def test_shortened_numbers_unwrap_to_the_nearest(near, offset):
    number = near + offset
    assert unwrap(number % 256, 8, near) == number
