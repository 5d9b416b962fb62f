"""A speaker's certificate: its bytes, and that only its owner makes it."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from client.errors import CertificateError
from client.identity.certificate import CERTIFICATE_BYTES, certify, read_certificate
from client.identity.key import Identity

OWNER = Identity(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
SPEAKER = "5a" * 32
GOLDEN = (
    "AVpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa"
    "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbgAAAAAa0nSAKayiUdrPeg3CSCdsVe3GXuG-0MOQNs3szqy"
    "31oVbsIoFZU_9hoeBCpqGqEFm1y5LeCdsCa7eBnFkmTqfCmWMwM"
)


def test_the_bytes_of_a_certificate() -> None:
    certificate = certify(OWNER, SPEAKER, 1_800_000_000.9)
    data = bytes(certificate)
    assert len(data) == CERTIFICATE_BYTES == 137
    body = b"\x01" + b"\x5a" * 32 + OWNER.public + (1_800_000_000).to_bytes(8, "big")
    assert data[:73] == body
    # Ed25519 signatures are deterministic (RFC 8032, 5.1.6).
    assert data[73:] == OWNER.sign(b"nerfcall speaker certificate v1\0" + body)
    assert certificate.text() == GOLDEN
    assert read_certificate(certificate.text(), SPEAKER) == certificate


def test_one_for_another_file_is_refused() -> None:
    text = certify(OWNER, SPEAKER, 0).text()
    with pytest.raises(CertificateError, match="expected a certificate for 000000000000…"):
        read_certificate(text, "00" * 32)


def test_none_is_refused() -> None:
    with pytest.raises(CertificateError, match="expected a speaker with a certificate"):
        read_certificate(None, SPEAKER)


@given(st.integers(0, CERTIFICATE_BYTES * 8 - 1))
def test_no_bit_can_be_changed(bit: int) -> None:
    data = bytearray(bytes(certify(OWNER, SPEAKER, 1_800_000_000)))
    data[bit // 8] ^= 1 << bit % 8
    text = urlsafe_b64encode(data).rstrip(b"=").decode()
    with pytest.raises(CertificateError):
        read_certificate(text, SPEAKER)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{183}", fullmatch=True))
def test_nonsense_is_refused_by_name(text: str) -> None:
    with pytest.raises(CertificateError):
        read_certificate(text, SPEAKER)
