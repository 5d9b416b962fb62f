"""Signaling messages: literal text in, dataclasses or named errors out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config import Limits
from server.errors import (
    InvalidFieldError,
    MalformedMessageError,
    MessageTooLargeError,
    SignalingError,
    UnknownTypeError,
)
from server.messages import (
    Join,
    Joined,
    Leave,
    Pair,
    Ping,
    Pong,
    Refusal,
    Role,
    Signal,
    Signaled,
    Unpair,
    parse_message,
)

LIMITS = Limits()
SHA256 = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"leave"}', Leave()),
        ('{"type":"ping"}', Ping()),
        ('{"type":"join","room":"a","role":"viewer"}', Join("a", Role.VIEWER)),
        (
            '{"type":"join","room":"Küche 2","role":"renderer","participant":"José"}',
            Join("Küche 2", Role.RENDERER, "José"),
        ),
        (
            f'{{"type":"join","room":"a","role":"speaker","speaker":"{SHA256}"}}',
            Join("a", Role.SPEAKER, None, SHA256),
        ),
        (
            '{"type":"join","room":"a","role":"viewer","participant":null,"future":[1]}',
            Join("a", Role.VIEWER),
        ),
        (
            '{"type":"signal","to":"p1","data":{"kind":"offer","sdp":"v=0"}}',
            Signal("p1", {"kind": "offer", "sdp": "v=0"}),
        ),
        (
            '{"type":"signal","to":"p1","data":{"kind":"candidate","sdp":"candidate:1","mid":"0"}}',
            Signal("p1", {"kind": "candidate", "sdp": "candidate:1", "mid": "0"}),
        ),
    ],
)
def test_messages_are_read(text: str, message: object) -> None:
    assert parse_message(text, LIMITS) == message


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            Joined("p1", "a", ({"urls": ["stun:s"]},)),
            {"type": "joined", "peer": "p1", "room": "a", "ice_servers": [{"urls": ["stun:s"]}]},
        ),
        (
            Pair("p2", Role.SPEAKER, "ada", SHA256, False),
            {
                "type": "pair",
                "peer": "p2",
                "role": "speaker",
                "participant": "ada",
                "speaker": SHA256,
                "initiator": False,
            },
        ),
        (Unpair("p2"), {"type": "unpair", "peer": "p2", "lost": False}),
        (Unpair("p2", lost=True), {"type": "unpair", "peer": "p2", "lost": True}),
        (
            Signaled("p2", {"kind": "answer", "sdp": "v=0"}),
            {"type": "signal", "from": "p2", "data": {"kind": "answer", "sdp": "v=0"}},
        ),
        (Pong(), {"type": "pong"}),
        (Refusal("room_full", "no"), {"type": "error", "code": "room_full", "message": "no"}),
    ],
)
def test_messages_are_written(message: Joined, expected: dict[str, object]) -> None:
    assert json.loads(message.to_json()) == expected


@pytest.mark.parametrize(
    "text",
    ["", "hello", "{", "[]", "null", "7", '"join"', "{'type':'ping'}", '{"type":"ping"}{}'],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessageError, match="expected one JSON object, got"):
        parse_message(text, LIMITS)


def test_nan_is_no_json_although_python_reads_it() -> None:
    text = '{"type":"signal","to":"p","data":{"kind":"offer","sdp":"","x":NaN}}'
    with pytest.raises(MalformedMessageError):
        parse_message(text, LIMITS)


def test_nesting_beyond_the_parsers_depth_is_refused() -> None:
    with pytest.raises(MalformedMessageError, match="nested too deep"):
        parse_message("[" * 60_000, LIMITS)


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(MalformedMessageError, match="number out of range"):
        parse_message('{"type":' + "9" * 5000 + "}", LIMITS)


@pytest.mark.parametrize("kind", [None, 3, "Join", "", "joined", ["join"], {"a": 1}])
def test_an_unknown_type_is_refused(kind: object) -> None:
    with pytest.raises(UnknownTypeError, match="expected type join, signal, leave or ping, got"):
        parse_message(json.dumps({"type": kind}), LIMITS)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"role": None}, "expected role speaker, renderer or viewer, got nothing"),
        ({"role": "king"}, "got 'king'"),
        ({"role": ["viewer"]}, "got a list of 1"),
        ({"room": None}, "expected 1 to 64 characters in `room`, got nothing"),
        ({"room": ""}, "expected 1 to 64 characters in `room`, got ''"),
        ({"room": 5}, "in `room`, got 5"),
        ({"room": "x" * 65}, "expected 1 to 64 characters in `room`"),
        ({"room": "a\nb"}, "expected printable characters"),
        ({"room": " a"}, "without spaces around them"),
        ({"room": "\ud800"}, "expected printable characters"),
        ({"participant": ""}, "in `participant`"),
        ({"participant": {"name": "ada"}}, "in `participant`, got an object of 1"),
        ({"role": "speaker"}, "expected the speaker file's sha256"),
        ({"role": "speaker", "speaker": "ab"}, "got 'ab'"),
        ({"role": "speaker", "speaker": SHA256.upper()}, "64 hex digits"),
    ],
)
def test_a_join_with_a_wrong_field_is_refused(fields: dict[str, object], complaint: str) -> None:
    message = {"type": "join", "room": "a", "role": "viewer", **fields}
    with pytest.raises(InvalidFieldError) as refusal:
        parse_message(json.dumps(message), LIMITS)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("to", "data", "complaint"),
    [
        (None, {"kind": "offer", "sdp": ""}, "expected the peer's id in `to`, got nothing"),
        ("p", None, "expected an object in `data`"),
        ("p", [], "expected an object in `data`, got a list of 0"),
        ("p", {"sdp": ""}, "expected kind offer, answer or candidate, got nothing"),
        ("p", {"kind": ["offer"], "sdp": ""}, "expected kind"),
        ("p", {"kind": "offer"}, "expected text in `sdp`, got nothing"),
        ("p", {"kind": "offer", "sdp": 1.5}, "expected text in `sdp`, got 1.5"),
        ("p", {"kind": "offer", "sdp": "", "more": {}}, "got an object of 0 in 'more'"),
    ],
)
def test_a_signal_with_a_wrong_field_is_refused(to: object, data: object, complaint: str) -> None:
    with pytest.raises(InvalidFieldError) as refusal:
        parse_message(json.dumps({"type": "signal", "to": to, "data": data}), LIMITS)
    assert complaint in str(refusal.value)


def test_a_number_that_json_cannot_write_again_is_refused() -> None:
    text = '{"type":"signal","to":"p","data":{"kind":"offer","sdp":"","x":1e999}}'
    with pytest.raises(InvalidFieldError, match="finite numbers"):
        parse_message(text, LIMITS)


def test_a_message_may_fill_the_limit_and_no_byte_more() -> None:
    limits = Limits(message_bytes=100)
    frame = '{"type":"ping","x":""}'
    fits = frame.replace('""', '"' + "é" * ((100 - len(frame)) // 2) + '"')
    assert len(fits.encode()) == 100
    assert parse_message(fits, limits) == Ping()
    with pytest.raises(MessageTooLargeError, match="at most 100 bytes a message, got 101"):
        parse_message(fits + " ", limits)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
LIKELY = st.fixed_dictionaries(
    {"type": st.sampled_from(["join", "signal", "leave", "ping"]) | JSON},
    optional={
        "room": st.text(max_size=70) | JSON,
        "role": st.sampled_from(Role) | JSON,
        "participant": JSON,
        "speaker": st.just(SHA256) | JSON,
        "to": JSON,
        "data": st.fixed_dictionaries({"kind": st.just("offer") | JSON, "sdp": JSON}) | JSON,
    },
)


@given(st.text() | JSON.map(json.dumps) | LIKELY.map(json.dumps))
def test_any_text_is_a_message_or_a_one_line_refusal(text: str) -> None:
    try:
        message = parse_message(text, LIMITS)
    except SignalingError as refusal:
        assert str(refusal).startswith("expected ")
        assert ", got " in str(refusal)
        assert str(refusal).isprintable()
        assert len(str(refusal)) < 300
        return
    if isinstance(message, Signal):
        assert json.loads(Signaled("p", message.data).to_json())["data"] == message.data
