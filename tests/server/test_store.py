"""The speaker store on disk."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server.errors import (
    DamagedSpeakerError,
    InvalidSpeakerIdError,
    NotOwnerError,
    RevokedSpeakerError,
    ServerError,
    SpeakerMismatchError,
    SpeakerTooLargeError,
    StoreFailedError,
    TruncatedUploadError,
    UnknownSpeakerError,
)
from server.store import SpeakerStore

KEY = bytes(range(32))


def put(store: SpeakerStore, content: bytes, address: str | None = None) -> str:
    speaker_id = address or hashlib.sha256(content).hexdigest()
    with store.upload(speaker_id) as upload:
        for start in range(0, len(content), 7):
            upload.write(content[start : start + 7])
        upload.commit()
    return speaker_id


def get(store: SpeakerStore, speaker_id: str) -> bytes:
    with store.open(speaker_id) as file:
        return file.read(0, file.size)


@pytest.fixture
def store(tmp_path: Path) -> SpeakerStore:
    return SpeakerStore(tmp_path / "speakers", KEY, max_bytes=100, max_speakers=3)


def files(store: SpeakerStore) -> list[str]:
    return sorted(path.name for path in store._directory.iterdir())


def test_what_was_put_in_comes_out(store: SpeakerStore) -> None:
    speaker_id = put(store, b"a speaker's field")
    assert get(store, speaker_id) == b"a speaker's field"


def test_the_second_upload_of_the_same_file_changes_nothing(store: SpeakerStore) -> None:
    speaker_id = put(store, b"same")
    before = store.path(speaker_id).stat().st_mtime_ns
    with store.upload(speaker_id) as upload:
        upload.write(b"same")
        assert upload.commit() is False
    assert store.path(speaker_id).stat().st_mtime_ns == before
    assert files(store) == [f"{speaker_id}.sealed"]


def test_an_upload_that_ends_early_leaves_nothing_behind(store: SpeakerStore) -> None:
    speaker_id = hashlib.sha256(b"whole").hexdigest()
    with pytest.raises(ConnectionResetError), store.upload(speaker_id) as upload:
        upload.write(b"who")
        raise ConnectionResetError
    assert files(store) == []
    with pytest.raises(UnknownSpeakerError, match=f"got none under {speaker_id}"):
        store.path(speaker_id)


def test_nobody_sees_half_a_file(store: SpeakerStore) -> None:
    speaker_id = hashlib.sha256(b"whole").hexdigest()
    with store.upload(speaker_id) as upload:
        upload.write(b"who")
        with pytest.raises(UnknownSpeakerError):
            store.path(speaker_id)
        upload.write(b"le")
        assert upload.commit() is True
    assert get(store, speaker_id) == b"whole"


def test_other_bytes_than_the_address_names_are_refused(store: SpeakerStore) -> None:
    address = hashlib.sha256(b"expected").hexdigest()
    got = hashlib.sha256(b"forged").hexdigest()
    with pytest.raises(SpeakerMismatchError, match=f"sha256 {address}, got {got} over 6 bytes"):
        put(store, b"forged", address)
    assert files(store) == []


def test_an_empty_file_is_refused(store: SpeakerStore) -> None:
    with pytest.raises(TruncatedUploadError, match="got an empty body"):
        put(store, b"")


def test_a_file_may_fill_the_limit_and_no_byte_more(store: SpeakerStore) -> None:
    put(store, b"x" * 100)
    with pytest.raises(SpeakerTooLargeError, match="at most 100 bytes, got 101"):
        put(store, b"x" * 101)
    assert len(files(store)) == 1


@pytest.mark.parametrize(
    "address",
    ["", "..", "../../etc/passwd", "ab", "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n", "é" * 64],
)
def test_nothing_but_a_sha256_is_an_address(store: SpeakerStore, address: str) -> None:
    with pytest.raises(InvalidSpeakerIdError, match="64 lower-case hex digits"):
        store.path(address)
    with pytest.raises(InvalidSpeakerIdError):
        store.upload(address)


def test_the_longest_unused_file_makes_room(store: SpeakerStore) -> None:
    ids = [put(store, content) for content in (b"one", b"two", b"three")]
    for age, speaker_id in enumerate(ids):
        os.utime(store.path(speaker_id), ns=(age, age))
    store.path(ids[0])  # used just now
    ids.append(put(store, b"four"))
    with pytest.raises(UnknownSpeakerError):
        store.path(ids[1])
    for kept in (ids[0], ids[2], ids[3]):
        store.path(kept)


def test_leftovers_of_a_crash_are_cleared_and_files_kept(tmp_path: Path) -> None:
    store = SpeakerStore(tmp_path, KEY, 100, 3)
    speaker_id = put(store, b"kept")
    abandoned = store.upload(speaker_id)
    abandoned.write(b"ke")
    assert len(files(store)) == 2
    reopened = SpeakerStore(tmp_path, KEY, 100, 3)
    assert files(reopened) == [f"{speaker_id}.sealed"]
    with abandoned:
        pass


def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ServerError, match="expected a folder for speaker files at"):
        SpeakerStore(tmp_path / "file" / "speakers", KEY, 100, 3)


def test_all_files_together_fill_the_limit_and_no_more(tmp_path: Path) -> None:
    store = SpeakerStore(tmp_path, KEY, 100, 10, max_store_bytes=250)
    first = put(store, b"1" * 100)
    os.utime(store.path(first), ns=(0, 0))
    second = put(store, b"2" * 100)
    assert files(store) == [f"{second}.sealed"]


def test_the_first_owner_stays_the_owner(store: SpeakerStore) -> None:
    speaker_id = put(store, b"mine")
    assert store.owner(speaker_id) is None
    for owner in ("a" * 64, "b" * 64):
        with store.upload(speaker_id, owner) as upload:
            upload.write(b"mine")
            upload.commit()
    assert store.owner(speaker_id) == "a" * 64
    with pytest.raises(NotOwnerError):
        store.revoke(speaker_id, "b" * 64)


def test_a_revoked_file_stays_away_after_a_restart(tmp_path: Path) -> None:
    store = SpeakerStore(tmp_path, KEY, 100, 3)
    speaker_id = put(store, b"mine")
    store.note_owner(speaker_id, "a" * 64)
    store.revoke(speaker_id, "a" * 64)
    store = SpeakerStore(tmp_path, KEY, 100, 3)
    with pytest.raises(RevokedSpeakerError):
        store.path(speaker_id)
    with pytest.raises(RevokedSpeakerError):
        store.upload(speaker_id)


def test_what_lies_on_the_disk_shows_nothing_of_a_face(store: SpeakerStore) -> None:
    speaker_id = put(store, b"a speaker's field")
    assert b"field" not in store.path(speaker_id).read_bytes()
    with store.upload("5a" * 32) as upload:
        upload.write(b"on its way" * 5)
        assert all(b"way" not in path.read_bytes() for path in store._directory.iterdir())


def test_a_damaged_file_is_refused_and_replaced_when_it_comes_again(store: SpeakerStore) -> None:
    speaker_id = put(store, b"whole")
    path = store.path(speaker_id)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DamagedSpeakerError):
        store.open(speaker_id)
    put(store, b"whole")
    assert get(store, speaker_id) == b"whole"


def test_files_under_another_secret_are_as_good_as_none(tmp_path: Path) -> None:
    speaker_id = put(SpeakerStore(tmp_path, KEY, 100, 3), b"mine")
    store = SpeakerStore(tmp_path, bytes(32), 100, 3)
    with pytest.raises(DamagedSpeakerError, match="another secret"):
        store.open(speaker_id)
    put(store, b"mine")
    assert get(store, speaker_id) == b"mine"


def test_files_of_an_earlier_version_are_sealed_at_the_start(tmp_path: Path) -> None:
    old = [b"one", b"two", b"three"]
    ids = [hashlib.sha256(content).hexdigest() for content in old]
    for age, (speaker_id, content) in enumerate(zip(ids, old, strict=True)):
        (tmp_path / f"{speaker_id}.speaker").write_bytes(content)
        os.utime(tmp_path / f"{speaker_id}.speaker", ns=(age, age))
    (tmp_path / f"{'5a' * 32}.speaker").write_bytes(b"cut off")
    store = SpeakerStore(tmp_path, KEY, 100, 3)
    assert files(store) == sorted(f"{speaker_id}.sealed" for speaker_id in ids)
    put(store, b"four")
    assert f"{ids[0]}.sealed" not in files(store), "the longest unused is still known"
    assert [get(store, speaker_id) for speaker_id in ids[1:]] == [b"two", b"three"]


def test_what_is_revoked_while_it_comes_does_not_come(store: SpeakerStore) -> None:
    speaker_id = put(store, b"mine")
    store.note_owner(speaker_id, "a" * 64)
    with store.upload(speaker_id) as upload:
        upload.write(b"mine")
        store.revoke(speaker_id, "a" * 64)
        with pytest.raises(RevokedSpeakerError):
            upload.commit()
    assert files(store) == [f"{speaker_id}.revoked"]


_UPLOADS = """
import hashlib, sys
from pathlib import Path
from server.store import SpeakerStore

store = SpeakerStore(Path(sys.argv[1]), bytes(range(32)), 3_000_000, 64)
print("ready", flush=True)
for number in range(1_000_000):
    content = number.to_bytes(8, "big") * 50_000
    speaker = hashlib.sha256(content).hexdigest()
    with store.upload(speaker, "a" * 64) as upload:
        upload.write(content)
        upload.commit()
"""


def test_killed_at_any_moment_it_holds_whole_files_only(tmp_path: Path) -> None:
    for wait_s in (0.0, 0.02, 0.05, 0.11):
        child = subprocess.Popen(
            [sys.executable, "-c", _UPLOADS, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(wait_s)
        child.kill()
        child.communicate()
        store = SpeakerStore(tmp_path, KEY, 3_000_000, 64)
        for name in files(store):
            speaker_id, _, kind = name.partition(".")
            assert kind in ("sealed", "owner")
            if kind == "sealed":
                assert hashlib.sha256(get(store, speaker_id)).hexdigest() == speaker_id
            else:
                assert store.owner(speaker_id) == "a" * 64


def test_a_disk_without_room_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = SpeakerStore(tmp_path, KEY, 100, 3)
    monkeypatch.setattr("server.upload.tempfile.mkstemp", full)
    with pytest.raises(StoreFailedError, match="expected room for a speaker file, got: No space"):
        store.upload("5a" * 32)
