"""Sealed files: what was written comes out, and nothing else ever does."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from server.errors import DamagedSpeakerError
from server.sealed_file import CHUNK_BYTES, TAG_BYTES, SealedFile, SealedWriter

KEY = bytes(range(32))
NAME = "5a" * 32
HEADER_BYTES = 32


def sealed(content: bytes, key: bytes = KEY, name: str = NAME) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, key, name)
    for start in range(0, len(content), 10_000):
        writer.write(content[start : start + 10_000])
    writer.finish()
    return file.getvalue()


def opened(path: Path, data: bytes, key: bytes = KEY, name: str = NAME) -> bytes:
    path.write_bytes(data)
    with SealedFile(path, key, name) as file:
        return file.read(0, file.size)


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize(
    "size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 100_000]
)
def test_what_was_sealed_is_opened_at_any_place(tmp_path: Path, size: int) -> None:
    content = content_of(size)
    (tmp_path / "file").write_bytes(sealed(content))
    with SealedFile(tmp_path / "file", KEY, NAME) as file:
        assert file.size == size
        assert file.read(0, size) == content
        dice = random.Random(0)
        for _ in range(30):
            start = dice.randrange(size)
            stop = dice.randint(start + 1, size)
            assert file.read(start, stop) == content[start:stop]


def test_nothing_of_the_content_is_on_the_disk(tmp_path: Path) -> None:
    content = b"somebody's face " * 5000
    data = sealed(content)
    assert b"face" not in data
    chunks = -(-len(content) // CHUNK_BYTES)
    assert len(data) == HEADER_BYTES + len(content) + TAG_BYTES * chunks
    assert sealed(content) != data, "the same file again looks like another one"


def test_only_the_key_and_the_name_open_a_file(tmp_path: Path) -> None:
    data = sealed(content_of(40_000))
    with pytest.raises(DamagedSpeakerError, match="changed, or sealed with another secret"):
        opened(tmp_path / "file", data, key=bytes(32))
    with pytest.raises(DamagedSpeakerError):
        opened(tmp_path / "file", data, name="a5" * 32)


def test_every_changed_bit_is_noticed(tmp_path: Path) -> None:
    data = sealed(content_of(40_000))
    dice = random.Random(0)
    header_and_some = [*range(HEADER_BYTES), *(dice.randrange(len(data)) for _ in range(50))]
    for place in header_and_some:
        changed = bytearray(data)
        changed[place] ^= 1 << dice.randrange(8)
        with pytest.raises(DamagedSpeakerError):
            opened(tmp_path / "file", bytes(changed))


def test_a_file_cut_off_anywhere_is_noticed_when_it_is_opened(tmp_path: Path) -> None:
    data = sealed(content_of(3 * CHUNK_BYTES))
    step = CHUNK_BYTES + TAG_BYTES
    whole_chunks = [HEADER_BYTES + number * step for number in range(3)]
    for end in [0, 5, HEADER_BYTES - 1, *whole_chunks, HEADER_BYTES + TAG_BYTES, len(data) - 1]:
        (tmp_path / "file").write_bytes(data[:end])
        with pytest.raises(DamagedSpeakerError):
            SealedFile(tmp_path / "file", KEY, NAME)


def test_chunks_that_change_places_or_come_twice_are_noticed(tmp_path: Path) -> None:
    data = sealed(content_of(3 * CHUNK_BYTES))
    step = CHUNK_BYTES + TAG_BYTES
    header = data[:HEADER_BYTES]
    first, second, third = (
        data[start : start + step] for start in range(HEADER_BYTES, len(data), step)
    )
    for chunks in (second + first + third, first + second + second + third, first + second):
        with pytest.raises(DamagedSpeakerError):
            opened(tmp_path / "file", header + chunks)


def test_another_kind_of_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedSpeakerError, match="expected a sealed speaker file, got other"):
        opened(tmp_path / "file", b"nerfcall-speaker-7" + bytes(1000))
