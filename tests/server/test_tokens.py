"""Room tokens: their bytes, and that nobody else makes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import ExpiredTokenError, InvalidTokenError
from server.messages import MAX_TOKEN_CHARS, Role
from server.tokens import Grant, TokenSigner

SECRET = b"a secret of thirty-two bytes, or more"
GRANT = Grant("blue", frozenset({Role.VIEWER}), 1_800_000_000)
PAYLOAD = "eyJyb29tIjoiYmx1ZSIsInJvbGVzIjpbInZpZXdlciJdLCJleHBpcmVzIjoxODAwMDAwMDAwfQ"
GOLDEN = f"v1.{PAYLOAD}.jrjGUaVaEjrkwtUL60VuRqnpONK7E98Qpbz2O-r5Ig8"


def test_the_text_of_a_token() -> None:
    assert TokenSigner(SECRET).sign(GRANT) == GOLDEN
    assert TokenSigner(SECRET).verify(GOLDEN, 1_799_999_999.9) == GRANT


def test_a_token_ends() -> None:
    with pytest.raises(ExpiredTokenError, match="expected a token that is still valid"):
        TokenSigner(SECRET).verify(GOLDEN, 1_800_000_000)


def test_another_secret_makes_other_tokens() -> None:
    with pytest.raises(InvalidTokenError):
        TokenSigner(SECRET + b"!").verify(GOLDEN, 0)


@given(st.integers(0, len(GOLDEN) - 1), st.characters(codec="ascii"))
def test_no_character_can_be_changed(place: int, character: str) -> None:
    forged = GOLDEN[:place] + character + GOLDEN[place + 1 :]
    try:
        # The last character of base64 holds bits that belong to no byte.
        assert TokenSigner(SECRET).verify(forged, 0) == GRANT
        assert forged == GOLDEN or place in (GOLDEN.rindex(".") - 1, len(GOLDEN) - 1)
    except InvalidTokenError:
        assert forged != GOLDEN


@given(st.text(max_size=64), st.sets(st.sampled_from(Role), min_size=1), st.integers(0, 2**40))
def test_what_is_signed_is_read(room: str, roles: set[Role], expires_unix_s: int) -> None:
    grant = Grant(room, frozenset(roles), expires_unix_s)
    token = TokenSigner(SECRET).sign(grant)
    assert len(token) <= MAX_TOKEN_CHARS
    assert TokenSigner(SECRET).verify(token, expires_unix_s - 1) == grant


@given(st.text() | st.from_regex(r"v1\.[\w=-]*\.[\w=-]*"))
def test_nonsense_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidTokenError):
        TokenSigner(SECRET).verify(text, 0)
