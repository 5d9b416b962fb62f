"""The handshake: who passes, and who does not, whatever they try."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from client.errors import ControlMessageError, HandshakeError
from client.identity.binding import Binding, Side, commitment
from client.identity.certificate import certify
from client.identity.handshake import RendererHandshake, SpeakerHandshake
from client.identity.messages import Challenge, Commit, Confirm, Proof, build, parse
from tests.client.identity.ends import (
    OWNER,
    RENDERER_END,
    SPEAKER,
    SPEAKER_END,
    STRANGER,
    STRANGER_END,
    WATCHER,
    renderer,
    sent,
    shake,
    speaker,
)

BINDING = Binding(
    *(SPEAKER, SPEAKER_END, RENDERER_END, OWNER.public, WATCHER.public, b"n" * 16, b"m" * 16)
)


def test_both_ends_know_each_other_and_show_the_same_digits() -> None:
    one, other = speaker(), renderer()
    shake(one, other)
    assert other.proven and one.watcher == WATCHER.public
    assert one.sas == other.sas == BINDING.sas()


def test_the_bytes_that_are_signed() -> None:
    parts = bytes.fromhex(SPEAKER) + SPEAKER_END + RENDERER_END + OWNER.public + WATCHER.public
    transcript = parts + b"n" * 16 + b"m" * 16
    assert BINDING.to_sign(Side.SPEAKER) == b"nerfcall speaker binding v1\0" + transcript
    assert BINDING.to_sign(Side.RENDERER) == b"nerfcall renderer binding v1\0" + transcript
    assert BINDING.sas() == "930 766"
    assert (
        commitment(b"n" * 16).hex()
        == "8155bef0b81ef8de874edc7ec196e5fc560bff46738e9895c7a1c2925fd6d89c"
    )


def test_every_part_changes_the_digits() -> None:
    changed = [
        replace(BINDING, **{name: secrets.token_bytes(len(value))})
        for name in Binding.__slots__
        if isinstance(value := getattr(BINDING, name), bytes)
    ]
    assert len({binding._transcript() for binding in [BINDING, *changed]}) == 7
    assert len({binding.sas() for binding in [BINDING, *changed]}) > 5


def test_a_stranger_who_has_the_file_does_not_pass_as_its_owner() -> None:
    other = renderer()  # was shown the owner's certificate, which anybody may copy
    one = speaker(STRANGER)
    proof = sent(one.heard(sent(other.heard(sent(one.begin())))))
    with pytest.raises(HandshakeError, match="signature of the file's owner"):
        other.heard(proof)
    assert not other.proven and other.sas is None


def test_a_proof_for_another_connection_does_not_pass() -> None:
    # A stranger between the two passes on what it hears: each end has a link with the stranger.
    one, other = speaker(theirs=STRANGER_END), renderer(theirs=STRANGER_END)
    proof = sent(one.heard(sent(other.heard(sent(one.begin())))))
    with pytest.raises(HandshakeError, match="for this connection"):
        other.heard(proof)


def test_a_recorded_proof_does_not_pass_again() -> None:
    one, first = speaker(), renderer()
    commit = one.begin()
    proof = sent(one.heard(sent(first.heard(commit))))
    again = RendererHandshake(
        WATCHER, certify(OWNER, SPEAKER, 0), b"o" * 16, lambda: (RENDERER_END, SPEAKER_END)
    )
    again.heard(commit)
    with pytest.raises(HandshakeError):
        again.heard(proof)


def test_another_nonce_than_was_committed_to_does_not_pass() -> None:
    other = renderer()
    other.heard(Commit(commitment(b"a" * 16)))
    binding = replace(BINDING, speaker_nonce=b"b" * 16)
    with pytest.raises(HandshakeError, match="nonce that was committed to"):
        other.heard(Proof(b"b" * 16, OWNER.sign(binding.to_sign(Side.SPEAKER))))


def test_the_renderers_signature_is_no_speakers() -> None:
    other = renderer(certify(WATCHER, SPEAKER, 0))
    other.heard(Commit(commitment(b"n" * 16)))
    binding = replace(BINDING, owner=WATCHER.public)
    with pytest.raises(HandshakeError):
        other.heard(Proof(b"n" * 16, WATCHER.sign(binding.to_sign(Side.RENDERER))))


def test_there_is_no_second_try_and_nothing_out_of_turn() -> None:
    other = renderer()
    proof = Proof(b"n" * 16, OWNER.sign(BINDING.to_sign(Side.SPEAKER)))
    with pytest.raises(HandshakeError, match="expected another message, got proof"):
        other.heard(proof)
    other.heard(Commit(commitment(b"n" * 16)))
    with pytest.raises(HandshakeError):
        other.heard(Commit(commitment(b"n" * 16)))
    with pytest.raises(HandshakeError):
        other.heard(replace(proof, signature=bytes(64)))
    with pytest.raises(HandshakeError):
        other.heard(proof)
    one = speaker()
    with pytest.raises(HandshakeError):
        one.heard(Confirm(bytes(64)))
    one.heard(Challenge(b"m" * 16, WATCHER.public))
    with pytest.raises(HandshakeError):
        one.heard(Challenge(b"n" * 16, WATCHER.public))
    with pytest.raises(HandshakeError, match="expected the renderer's signature"):
        one.heard(Confirm(bytes(64)))
    assert one.watcher is None


def test_a_stranger_between_has_one_guess_at_the_digits() -> None:
    """Whatever it chooses, it has chosen before it learns what decides."""
    agreements = 0
    for _ in range(300):
        one = SpeakerHandshake(
            OWNER, SPEAKER, secrets.token_bytes(16), lambda: (SPEAKER_END, STRANGER_END)
        )
        mine = SpeakerHandshake(
            STRANGER, SPEAKER, secrets.token_bytes(16), lambda: (STRANGER_END, RENDERER_END)
        )
        other = RendererHandshake(
            *(WATCHER, certify(STRANGER, SPEAKER, 0), secrets.token_bytes(16)),
            lambda: (RENDERER_END, STRANGER_END),
        )
        one.begin()
        one.heard(Challenge(secrets.token_bytes(16), STRANGER.public))
        shake(mine, other)
        agreements += one.sas == other.sas
    assert agreements <= 1


def test_the_text_of_the_messages() -> None:
    assert build(Commit(b"\x01" * 32)) == '{"type":"auth_commit","commitment":"' + "01" * 32 + '"}'
    assert build(Challenge(b"\x02" * 16, b"\x03" * 32)) == (
        '{"type":"auth_challenge","nonce":"' + "02" * 16 + '","key":"' + "03" * 32 + '"}'
    )
    assert build(Proof(b"\x04" * 16, b"\x05" * 64)) == (
        '{"type":"auth_proof","nonce":"' + "04" * 16 + '","signature":"' + "05" * 64 + '"}'
    )
    assert build(Confirm(b"\x06" * 64)) == (
        '{"type":"auth_confirm","signature":"' + "06" * 64 + '"}'
    )


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"type":"hello"}', '{"type":[]}', "[" * 9999]
)
def test_other_messages_are_left_to_others(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"auth_commit"}',
        '{"type":"auth_commit","commitment":5}',
        '{"type":"auth_commit","commitment":"' + "0" * 63 + 'g"}',
        '{"type":"auth_confirm","signature":"' + "00" * 65 + '"}',
    ],
)
def test_a_message_with_a_wrong_field_is_refused(text: str) -> None:
    with pytest.raises(ControlMessageError, match="hex digits"):
        parse(text)
