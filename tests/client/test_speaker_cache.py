"""The cache of speaker files: sealed, whole, and worth nothing without its key."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from client.errors import IdentityError, SpeakerTransferError
from client.speaker_cache import CacheLimits, SpeakerCache, cache_dir

CONTENT = b"three megabytes of somebody's head" * 1_000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def cache(tmp_path: Path) -> SpeakerCache:
    return SpeakerCache(tmp_path / "cache", tmp_path / "config" / "cache.key")


def names(cache: SpeakerCache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir())


def test_what_was_kept_is_there_again_and_lies_sealed(cache: SpeakerCache, tmp_path: Path) -> None:
    cache.keep_base(SHA, CONTENT[:5_000])
    assert cache.base(SHA) == CONTENT[:5_000]
    assert cache.whole(SHA) is None
    cache.keep_whole(SHA, CONTENT)
    again = SpeakerCache(cache.folder, tmp_path / "config" / "cache.key")
    assert again.whole(SHA) == CONTENT
    assert again.base(SHA) == b"", "no longer needed"
    (file,) = cache.folder.iterdir()
    assert b"head" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_key_is_its_owners_and_nothing_is_made_before_it_is_needed(
    cache: SpeakerCache, tmp_path: Path
) -> None:
    assert cache.whole(SHA) is None and cache.base(SHA) == b""
    assert list(tmp_path.iterdir()) == []
    cache.keep_whole(SHA, CONTENT)
    key = tmp_path / "config" / "cache.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_bytes()) == 32


def test_without_its_key_a_cache_is_as_good_as_empty(cache: SpeakerCache, tmp_path: Path) -> None:
    cache.keep_whole(SHA, CONTENT)
    stolen = SpeakerCache(cache.folder, tmp_path / "another.key")
    assert stolen.whole(SHA) is None
    stolen.keep_whole(SHA, CONTENT)
    assert stolen.whole(SHA) == CONTENT


def test_files_that_changed_names_or_bytes_do_not_open(cache: SpeakerCache) -> None:
    cache.keep_whole(SHA, CONTENT)
    path = cache.folder / f"{SHA}.speaker"
    data = path.read_bytes()
    other = cache.folder / f"{'5a' * 32}.speaker"
    other.write_bytes(data)
    assert cache.whole("5a" * 32) is None
    path.with_suffix(".base").write_bytes(data)
    assert cache.base(SHA) == b""
    for damaged in (b"", data[:5], data[:-1], bytes([data[0] ^ 1]) + data[1:], data + b"!"):
        path.write_bytes(damaged)
        assert cache.whole(SHA) is None


def test_a_file_in_the_clear_is_taken_and_sealed(cache: SpeakerCache) -> None:
    cache.folder.mkdir()
    path = cache.folder / f"{SHA}.speaker"
    path.write_bytes(CONTENT)
    path.with_suffix(".base").write_bytes(CONTENT[:5_000])
    assert cache.base(SHA) == b"", "a base layer in the clear is fetched again"
    assert cache.whole(SHA) == CONTENT
    assert b"head" not in path.read_bytes()
    assert cache.whole(SHA) == CONTENT
    assert names(cache) == [path.name]


def test_a_forgotten_speaker_leaves_nothing(cache: SpeakerCache) -> None:
    cache.keep_whole(SHA, CONTENT)
    cache.keep_base(SHA, CONTENT[:5_000])
    cache.forget(SHA)
    cache.forget(SHA)
    assert names(cache) == []


def test_what_a_killed_write_left_is_cleared_and_what_others_write_is_not(
    cache: SpeakerCache,
) -> None:
    cache.folder.mkdir()
    for name, age_s in (("part-old", 7_200.0), ("part-new", 1.0)):
        (cache.folder / name).write_bytes(b"half")
        then_s = time.time() - age_s
        os.utime(cache.folder / name, (then_s, then_s))
    cache.keep_whole(SHA, CONTENT)
    assert names(cache) == [f"{SHA}.speaker", "part-new"]


def test_what_cannot_be_stored_or_opened_is_named(cache: SpeakerCache, tmp_path: Path) -> None:
    cache.folder.write_text("in the way")
    with pytest.raises(SpeakerTransferError, match="expected to store a file"):
        cache.keep_whole(SHA, CONTENT)
    (tmp_path / "short.key").write_bytes(b"short")
    with pytest.raises(IdentityError, match="expected a key of 32 bytes, got 5; remove it"):
        SpeakerCache(tmp_path / "c", tmp_path / "short.key").keep_whole(SHA, CONTENT)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(IdentityError, match="expected to read or make a key at"):
        SpeakerCache(tmp_path / "c", tmp_path / "file" / "k").keep_whole(SHA, CONTENT)


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_dir() == Path("/somewhere/nerfcall/speakers")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_dir() == Path("/home/somebody/.cache/nerfcall/speakers")


@pytest.mark.parametrize("limits", [CacheLimits(files=3), CacheLimits(size_bytes=3_200)])
def test_what_was_not_used_for_longest_makes_room(tmp_path: Path, limits: CacheLimits) -> None:
    cache = SpeakerCache(tmp_path / "cache", tmp_path / "cache.key", limits)
    faces = [bytes([number]) * 1_000 for number in range(4)]
    shas = [hashlib.sha256(face).hexdigest() for face in faces]
    for age, (sha, face) in enumerate(zip(shas[:3], faces[:3], strict=True)):
        cache.keep_whole(sha, face)
        os.utime(cache.folder / f"{sha}.speaker", (1_000.0 + age, 1_000.0 + age))
    assert cache.whole(shas[0]) == faces[0]  # in use again, so that the second is the oldest
    cache.keep_base(shas[3], faces[3])
    assert cache.whole(shas[1]) is None
    kept = [cache.whole(shas[0]), cache.whole(shas[2]), cache.base(shas[3])]
    assert kept == [faces[0], faces[2], faces[3]]


def test_what_was_just_stored_stays_however_large(tmp_path: Path) -> None:
    limits = CacheLimits(files=1, size_bytes=10)
    cache = SpeakerCache(tmp_path / "cache", tmp_path / "cache.key", limits)
    cache.keep_whole(SHA, CONTENT)
    assert cache.whole(SHA) == CONTENT
