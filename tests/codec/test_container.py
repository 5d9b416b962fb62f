from fractions import Fraction

import pytest

from codec.container import CallReader, CallWriter
from codec.errors import CodecError, ContainerError
from codec.profile import Profile
from tests.codec.streams import OTHER_SPEAKER, SPEAKER, encode_all, talking_head

NTSC = Fraction(30_000, 1001)


@pytest.fixture
def call(tmp_path):
    path = tmp_path / "anna.call"
    with CallWriter(path, SPEAKER, Profile.LOSSLESS, NTSC) as writer:
        writer.write(b"\x01\x02\x03", 4)
        writer.write(b"\xff", 1)
    return path


def test_a_call_is_these_bytes_forever(call):
    assert call.read_bytes().hex() == (
        "6e65726663616c6c"  # "nerfcall"
        "0003"  # version
        "01"  # lossless
        "00"  # reserved
        "00007530"  # 30000
        "000003e9"  # 1001
        "00000002"  # packets
        "00000005"  # frames
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        "03010203"
        "01ff"
    )


def test_reading_gives_everything_back(call):
    reader = CallReader(call, SPEAKER.upper())
    assert (reader.speaker_id, reader.profile, reader.fps) == (SPEAKER, Profile.LOSSLESS, NTSC)
    assert (len(reader), reader.frames) == (2, 5)
    assert list(reader) == [b"\x01\x02\x03", b"\xff"]
    assert list(reader) == [b"\x01\x02\x03", b"\xff"]


def test_a_real_stream_survives(tmp_path):
    packets = encode_all(talking_head(50))
    with CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
        for packet in packets:
            writer.write(packet, 4)
    assert list(CallReader(tmp_path / "call")) == packets


@pytest.mark.parametrize("length", [254, 255, 256, 65_535])
def test_packets_of_any_length_survive(tmp_path, length):
    with CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
        writer.write(bytes(length), 8)
        writer.write(b"\x01", 1)
    assert list(CallReader(tmp_path / "call")) == [bytes(length), b"\x01"]


def test_a_call_without_packets_is_a_call(tmp_path):
    CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(25)).close()
    assert list(CallReader(tmp_path / "call")) == []


def test_every_truncation_is_refused(call):
    whole = call.read_bytes()
    for length in range(len(whole)):
        call.write_bytes(whole[:length])
        with pytest.raises(ContainerError, match="expected"):
            list(CallReader(call))


def test_bytes_after_the_last_packet_are_refused(call):
    call.write_bytes(call.read_bytes() + b"\0")
    with pytest.raises(ContainerError, match="1 more bytes"):
        list(CallReader(call))


def test_a_recording_that_broke_off_is_refused(tmp_path):
    path = tmp_path / "call"

    def record():
        with CallWriter(path, SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
            writer.write(b"\x01", 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    with pytest.raises(ContainerError, match="cut off while writing"):
        CallReader(path)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (0, b"RIFF", "beginning with b'nerfcall'"),
        (8, b"\0\7", "version 3, got 7"),
        (10, b"\2", "profile of 0 or 1"),
        (11, b"\1", "reserved byte of 0"),
        (12, b"\0\0\0\0", "frame rate"),
        (16, b"\0\0\0\0", "frame rate"),
        (24, b"\xff\xff\xff\xff", "1 to 8 frames in each of 2 packets, got 4294967295"),
        (24, b"\0\0\0\1", "1 to 8 frames in each of 2 packets, got 1"),
    ],
)
def test_headers_of_something_else_are_refused(call, offset, value, message):
    data = bytearray(call.read_bytes())
    data[offset : offset + len(value)] = value
    call.write_bytes(data)
    with pytest.raises(ContainerError, match=message):
        CallReader(call)


def test_the_call_of_another_speaker_is_refused(call):
    with pytest.raises(ContainerError, match=r"fedcba98…, got one of 01234567…"):
        CallReader(call, OTHER_SPEAKER)


def test_files_that_cannot_be_opened_are_named(tmp_path):
    with pytest.raises(ContainerError, match="missing"):
        CallReader(tmp_path / "missing")
    with pytest.raises(ContainerError, match="folder"):
        CallWriter(tmp_path / "folder" / "call", SPEAKER, Profile.COMPACT, Fraction(25))


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ContainerError, match="frame rate"):
        CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(0))
    with pytest.raises(CodecError, match="64 hexadecimal digits"):
        CallWriter(tmp_path / "call", "anna", Profile.COMPACT, Fraction(25))
    with CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
        for packet in (b"", bytes(65_536)):
            with pytest.raises(ContainerError, match="1 to 65535 bytes"):
                writer.write(packet, 1)
