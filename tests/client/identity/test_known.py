"""What is remembered of whose a speaker file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.errors import IdentityError, OwnerChangedError
from client.identity.certificate import certify
from client.identity.known import KnownSpeakers
from tests.client.identity.ends import OWNER, SPEAKER, STRANGER

NOW = 1_800_000_000.0


def test_the_first_owner_is_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "known_speakers"
    known = KnownSpeakers(path)
    ours, theirs = certify(OWNER, SPEAKER, NOW), certify(STRANGER, SPEAKER, NOW)
    known.check(ours)
    known.remember(ours, NOW)
    known.remember(theirs, NOW)
    assert path.read_text() == f"{SPEAKER} {OWNER.public.hex()} 2027-01-15\n"
    KnownSpeakers(path).check(certify(OWNER, SPEAKER, NOW + 1e6))
    with pytest.raises(OwnerChangedError, match=r"of SHA256:.*, got one of SHA256:.* remove its"):
        KnownSpeakers(path).check(theirs)
    KnownSpeakers(path).check(certify(STRANGER, "00" * 32, NOW))


def test_what_people_write_into_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "known_speakers"
    path.write_text(f"# ours\n{SPEAKER} {STRANGER.public.hex()}\nnonsense\n")
    known = KnownSpeakers(path)
    known.check(certify(STRANGER, SPEAKER, NOW))
    known.remember(certify(OWNER, "00" * 32, NOW), NOW)
    assert path.read_text().startswith("# ours\n")
    assert len(path.read_text().splitlines()) == 4


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "known_speakers"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(IdentityError, match="expected to read"):
        KnownSpeakers(path).check(certify(OWNER, SPEAKER, NOW))
