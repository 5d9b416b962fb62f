"""Recorded calls as files: their bytes, what survives a crash, and what is refused."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codec.container import CallReader, CallWriter, PortraitRecord, SoundRecord
from codec.container.index import find_index
from codec.decoder import Decoder
from codec.encoder import Encoder, EncoderConfig
from codec.errors import CodecError, ContainerError, NoKeyPacketError
from codec.packet import Packet
from codec.profile import Profile
from tests.codec.streams import MODEL, OTHER_SPEAKER, SPEAKER, encode_all, talking_head

NTSC = Fraction(30_000, 1001)
ON_FILES = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
RECORDS = st.lists(
    st.one_of(
        st.tuples(st.just("portrait"), st.binary(min_size=1, max_size=300), st.integers(0, 255)),
        st.tuples(
            st.just("sound"), st.binary(min_size=1, max_size=300), st.integers(0, (1 << 32) - 1)
        ),
    ),
    max_size=30,
)


def call_of(path, packets, sounds=(), interval_ms=160.0):
    """Portrait packets at even times, each with the sound that came just before it."""
    with CallWriter(path, SPEAKER, None, Fraction(25), start_unix_ms=0) as writer:
        for number, packet in enumerate(packets):
            for opus, timestamp in sounds[number : number + 1]:
                writer.write_sound(opus, timestamp, number * interval_ms)
            writer.write(packet, 4, number * interval_ms)
    return path


@pytest.fixture
def call(tmp_path):
    path = tmp_path / "anna.nerfcall"
    with CallWriter(path, SPEAKER, Profile.LOSSLESS, NTSC, start_unix_ms=1_700_000_000_000) as to:
        to.write(b"\x01\x02\x03", 4, 0.0)
        to.write_sound(b"\x0a\x0b", 4800, 60.0)
        to.write_sound(b"\x0c", 7680, 120.0)
        to.write_sound(b"\x0d", 10560, 180.0)
        to.write(b"\xff", 4, 191.0)
        to.write(b"\xfe", 1, 320.0)
    return path


@pytest.fixture(scope="module")
def stream():
    """Forty seconds of a talking head, key packets every two and a half."""
    encoder = Encoder(SPEAKER, MODEL, Profile.COMPACT, EncoderConfig())
    states = talking_head(1000)
    packets = [packet for packet in map(encoder.encode, states) if packet is not None]
    return [*packets, *filter(None, [encoder.flush()])]


def test_a_call_is_these_bytes_forever(call):
    metadata = (
        b'{"speaker":"' + SPEAKER.encode() + b'","fps":"30000/1001","synthetic":true,'
        b'"profile":"lossless","start_unix_ms":1700000000000}'
    )
    assert call.read_bytes().hex() == (
        "6e65726663616c6c"  # "nerfcall"
        "0005"  # version
        f"{len(metadata):04x}{metadata.hex()}"
        "be395cc4"  # of all before
        "8b4e4342"  # block
        "00000000"  # begins at 0 ticks of 4 ms
        "0d0004010203"  # portrait, 3 bytes; 0 ticks on; 4 frames
        "0a0f804b0a0b"  # sound, 2 bytes; 15 ticks on; distance 4800 more than 0
        "060fff1d0c"  # sound, 1 byte; 15 ticks on; distance 1920 less
        "060f000d"  # and as before
        "0403ff"  # portrait, 1 byte; 3 ticks on; as many frames as before
        "052001fe"  # portrait, 1 byte; 32 ticks on; 1 frame
        "03f216527b"  # end, and checksum of the block
        "8b4e4349"  # index
        "00000001"
        "000000b5"
        "00000000"  # one block, where and when
        "00000003"
        "00000009"
        "00000003"
        "00000050"  # packets, frames, sounds, ticks
        "9b22afaf"
        "00000024"  # length of the index
        "6c6c61636672656e"  # "llacfren"
    )


def test_reading_gives_everything_back(call):
    reader = CallReader(call, SPEAKER.upper())
    assert (reader.speaker_id, reader.profile, reader.fps) == (SPEAKER, Profile.LOSSLESS, NTSC)
    assert (reader.start_unix_ms, reader.duration_ms) == (1_700_000_000_000, 320)
    assert (len(reader), reader.frames, reader.sounds) == (3, 9, 3)
    assert reader.finished and reader.damaged_blocks == 0
    assert list(reader) == [b"\x01\x02\x03", b"\xff", b"\xfe"]
    assert list(reader.records()) == [
        PortraitRecord(0, b"\x01\x02\x03", 4),
        SoundRecord(60, b"\x0a\x0b", 4800),
        SoundRecord(120, b"\x0c", 7680),
        SoundRecord(180, b"\x0d", 10560),
        PortraitRecord(192, b"\xff", 4),
        PortraitRecord(320, b"\xfe", 1),
    ]


def test_every_recording_says_that_it_is_synthetic(call):
    assert b'"synthetic":true' in call.read_bytes()


@pytest.mark.parametrize("length", [1, 31, 32, 254, 255, 256, 65_535])
def test_packets_of_any_length_survive(tmp_path, length):
    with CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
        writer.write(bytes(length), 8)
        writer.write(b"\x01", 1)
    assert list(CallReader(tmp_path / "call")) == [bytes(length), b"\x01"]


def test_packets_of_a_clip_arrive_when_their_last_frame_was_filmed(tmp_path):
    with CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
        for _ in range(3):
            writer.write(b"\x01", 4)
    records = CallReader(tmp_path / "call").records()
    assert [record.arrival_ms for record in records] == [120, 280, 440]


def test_a_call_lasts_as_many_pictures_as_it_takes_whatever_is_missing(tmp_path):
    with CallWriter(tmp_path / "call", SPEAKER, None, Fraction(25)) as writer:
        writer.write(b"\x01", 4, 0.0)
        writer.write(b"\x01", 4, 4_000.0)
    reader = CallReader(tmp_path / "call")
    assert (reader.frames, reader.pictures) == (8, 101)
    for frames in (1, 2, 12, 113):
        with CallWriter(tmp_path / "call", SPEAKER, None, NTSC) as writer:
            for _ in range(frames):
                writer.write(b"\x01", 1)
        assert CallReader(tmp_path / "call").pictures == frames


def test_a_call_without_packets_is_a_call(tmp_path):
    CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(25)).close()
    reader = CallReader(tmp_path / "call")
    assert (list(reader), reader.duration_ms, reader.finished) == ([], 0, True)
    with pytest.raises(NoKeyPacketError, match="expected a key packet"):
        list(reader.packets_from(0.0))


def test_time_never_runs_backwards(tmp_path):
    with CallWriter(tmp_path / "call", SPEAKER, None, Fraction(25)) as writer:
        for arrival_ms in (40.0, 20.0, -5.0, 60.0):
            writer.write(b"\x01", 1, arrival_ms)
    records = CallReader(tmp_path / "call").records()
    assert [record.arrival_ms for record in records] == [40, 40, 40, 60]


def test_a_minute_costs_three_bytes_a_long_packet_and_little_else(tmp_path, stream):
    path = call_of(tmp_path / "call", stream)
    overhead = path.stat().st_size - sum(map(len, stream))
    blocks = 4
    assert overhead <= 3 * len(stream) + blocks * 26 + 220


def test_sound_in_a_steady_stream_costs_three_bytes_a_frame(tmp_path):
    with CallWriter(tmp_path / "call", SPEAKER, None, Fraction(25)) as writer:
        for number in range(160):
            writer.write_sound(bytes(20), 2880 * number, 60.0 * number)
    assert (tmp_path / "call").stat().st_size < 160 * 23 + 250


def test_a_call_is_entered_at_the_last_key_packet_before(tmp_path, stream):
    reader = CallReader(call_of(tmp_path / "call", stream))
    keys = [number for number, packet in enumerate(stream) if Packet.parse(packet).is_key]
    assert len(keys) > 10
    for from_ms in (0.0, 2_000.0, 9_999.0, 10_500.0, 25_000.0, 1e9):
        key = max(number for number in keys if number * 160 <= from_ms)
        assert list(reader.packets_from(from_ms)) == stream[key:]


def test_what_is_entered_in_the_middle_shows_what_was_there(tmp_path, stream):
    reader = CallReader(call_of(tmp_path / "call", stream))
    whole, entered = Decoder(SPEAKER, MODEL), Decoder(SPEAKER, MODEL)
    sent = [state for packet in stream for state in whole.decode(packet)]
    everything = {state.pts_ms: state.vector().tobytes() for state in sent}
    seen = [state for packet in reader.packets_from(20_000.0) for state in entered.decode(packet)]
    assert 400 < len(seen) < 600
    assert all(everything[state.pts_ms] == state.vector().tobytes() for state in seen)


def test_without_a_key_packet_before_the_call_begins_at_the_first(tmp_path, stream):
    reader = CallReader(call_of(tmp_path / "call", stream[1:]))
    first = next(reader.packets_from(0.0))
    assert Packet.parse(first).is_key and first != stream[0]


def test_no_block_is_longer_than_a_minute(tmp_path):
    path = call_of(tmp_path / "call", [b"no key"] * 900)
    index = find_index(path.read_bytes())
    assert len(index.blocks) == 3
    assert all(b - a <= 60_160 / 4 for (_, a), (_, b) in pairwise(index.blocks))


def test_a_file_cut_off_anywhere_opens_up_to_there(tmp_path, stream):
    sounds = [(b"opus", 7680 * number) for number in range(len(stream))]
    path = call_of(tmp_path / "call", stream, sounds)
    whole = path.read_bytes()
    records = list(CallReader(path).records())
    header = whole.index(b"\x8bNCB")
    lengths = []
    for length in [*range(header, header + 900), *range(header + 900, len(whole), 37)]:
        path.write_bytes(whole[:length])
        reader = CallReader(path)
        read = list(reader.records())
        assert read == records[: len(read)] and not reader.finished
        assert reader.damaged_blocks == 0
        assert len(reader) + reader.sounds == len(read)
        lengths.append(len(read))
    assert lengths == sorted(lengths) and lengths[-1] == len(records)


def test_a_header_cut_off_is_refused(call):
    whole = call.read_bytes()
    for length in range(whole.index(b"\x8bNCB")):
        call.write_bytes(whole[:length])
        with pytest.raises(ContainerError, match="expected"):
            CallReader(call)


def test_a_recording_that_broke_off_is_read_up_to_there(tmp_path):
    path = tmp_path / "call"

    def record():
        with CallWriter(path, SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
            writer.write(b"\x01", 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    reader = CallReader(path)
    assert (list(reader), reader.frames, reader.finished) == ([b"\x01"], 1, False)


def test_damage_costs_the_block_that_it_is_in(tmp_path, stream):
    path = call_of(tmp_path / "call", stream)
    data = bytearray(path.read_bytes())
    blocks = [offset for offset, _ in find_index(bytes(data)).blocks]
    assert len(blocks) == 4
    data[blocks[1] + 100] ^= 4
    intact = list(CallReader(path))
    path.write_bytes(data)
    reader = CallReader(path)
    left = list(reader)
    assert reader.damaged_blocks == 1 and reader.frames == 1000
    assert [packet for packet in intact if packet in left] == left
    assert len(intact) * 0.6 < len(left) < len(intact) * 0.8
    path.write_bytes(data[:-30])  # and without its index
    reader = CallReader(path)
    assert list(reader) == left and reader.damaged_blocks == 1 and not reader.finished


@ON_FILES
@given(records=RECORDS, steps_ms=st.lists(st.floats(0, 30_000), min_size=30, max_size=30))
def test_whatever_is_recorded_is_read(tmp_path, records, steps_ms):
    path = tmp_path / "call"
    now_ms, written = 0.0, []
    with CallWriter(path, SPEAKER, None, Fraction(25)) as writer:
        for (kind, data, number), step_ms in zip(records, steps_ms, strict=False):
            now_ms += step_ms
            if kind == "portrait":
                writer.write(data, number, now_ms)
                written.append((data, number))
            else:
                writer.write_sound(data, number, now_ms)
                written.append((data, number))
    reader = CallReader(path)
    read = list(reader.records())
    assert [
        (each.packet, each.frames)
        if isinstance(each, PortraitRecord)
        else (each.opus, each.timestamp)
        for each in read
    ] == written
    assert not read or abs(read[-1].arrival_ms - now_ms) <= 2.0


@ON_FILES
@given(data=st.data())
def test_flipped_bits_end_in_a_named_error_or_fewer_packets(tmp_path, call, data):
    whole = bytearray(call.read_bytes())
    intact = list(CallReader(call).records())
    flips = data.draw(st.lists(st.integers(0, len(whole) * 8 - 1), min_size=1, max_size=4))
    for flip in flips:
        whole[flip // 8] ^= 1 << flip % 8
    cut = data.draw(st.integers(0, len(whole)))
    path = tmp_path / "flipped"
    path.write_bytes(whole[:cut] if data.draw(st.booleans()) else whole)
    try:
        read = list(CallReader(path).records())
    except ContainerError:
        return
    assert len(read) <= len(intact) + 4  # what a torn end seems to hold has checks of its own


@ON_FILES
@given(st.binary(max_size=400))
def test_anything_behind_a_header_is_read_without_a_crash(tmp_path, call, tail):
    whole = call.read_bytes()
    path = tmp_path / "odd"
    path.write_bytes(whole[: whole.index(b"\x8bNCB")] + tail)
    assert len(list(CallReader(path).records())) <= len(tail)
    path.write_bytes(whole[: whole.index(b"\x8bNCB") + 8] + tail)
    assert len(list(CallReader(path).records())) <= len(tail)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (0, b"RIFF", "beginning with b'nerfcall'"),
        (8, b"\0\4", "version 5, got 4"),
        (10, b"\xff\xff", "header of 65551 bytes"),
        (20, b"x", "damaged"),
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


def test_a_disk_that_is_full_is_named():
    writer = CallWriter(Path("/dev/full"), SPEAKER, Profile.COMPACT, Fraction(25))
    writer.write(b"\x01", 1)
    with pytest.raises(ContainerError, match=r"expected to write a call, got .*No space left"):
        writer.flush()
    writer.abandon()


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ContainerError, match="frame rate"):
        CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(0))
    with pytest.raises(CodecError, match="64 hexadecimal digits"):
        CallWriter(tmp_path / "call", "anna", Profile.COMPACT, Fraction(25))
    with CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
        for packet in (b"", bytes(65_536)):
            with pytest.raises(ContainerError, match="1 to 65535 bytes"):
                writer.write(packet, 1)
            with pytest.raises(ContainerError, match="1 to 65535 bytes"):
                writer.write_sound(packet, 0, 0.0)
        with pytest.raises(ContainerError, match="0 to 255 frames"):
            writer.write(b"\x01", 256)


def test_a_real_stream_survives(tmp_path):
    packets = encode_all(talking_head(50))
    with CallWriter(tmp_path / "call", SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
        for packet in packets:
            writer.write(packet, 4)
    assert list(CallReader(tmp_path / "call")) == packets
