from __future__ import annotations

import json

import pytest

from client import control
from client.errors import ControlMessageError
from client.transport.link import MAX_CONTROL_CHARS
from codec.face import Tracking

SHA = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (
            control.Hello(SHA, 1.7e12, 20_000, 25.0),
            {
                "type": "hello",
                "speaker": SHA,
                "epoch_unix_ms": 1.7e12,
                "source_duration_ms": 20_000,
                "fps": 25.0,
            },
        ),
        (
            control.Hello(SHA, 1.7e12, None, 29.97),
            {
                "type": "hello",
                "speaker": SHA,
                "epoch_unix_ms": 1.7e12,
                "source_duration_ms": None,
                "fps": 29.97,
            },
        ),
        (
            control.Layers(311_081, SHA),
            {"type": "layers", "base_bytes": 311_081, "base_sha256": SHA},
        ),
        (control.Ping(12.5), {"type": "ping", "t": 12.5}),
        (control.Pong(12.5, 1.7e12), {"type": "pong", "t": 12.5, "now_unix_ms": 1.7e12}),
        (control.NeedKey(), {"type": "need_key"}),
        (control.Protect(2), {"type": "protect", "level": 2}),
        (control.TrackingNotice(Tracking.DARK), {"type": "tracking", "tracking": "dark"}),
        (control.SizeRequest(512), {"type": "size", "size": 512}),
        (
            control.Presence(camera=False, microphone=True),
            {"type": "presence", "camera": False, "microphone": True},
        ),
        (control.Chat("Grüß dich\n😀"), {"type": "chat", "text": "Grüß dich\n😀"}),
    ],
)
def test_messages_are_the_documented_json_and_read_back(
    message: control.Message, fields: dict[str, object]
) -> None:
    assert json.loads(control.build(message)) == fields
    assert control.parse(control.build(message)) == message


@pytest.mark.parametrize(
    ("wish", "granted"), [(1, 64), (-5, 64), (64, 64), (333.4, 333), (5_000, 1024)]
)
def test_a_wish_for_a_size_is_clamped(wish: float, granted: int) -> None:
    text = json.dumps({"type": "size", "size": wish})
    assert control.parse(text) == control.SizeRequest(granted)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        "null",
        "[1,2]",
        '"hello"',
        "{}",
        '{"type":7}',
        '{"type":"unknown"}',
        '{"type":"ping"}',
        '{"type":"ping","t":"1"}',
        '{"type":"ping","t":true}',
        '{"type":"ping","t":NaN}',
        '{"type":"ping","t":1e999}',
        '{"type":"pong","t":1}',
        '{"type":"size","size":null}',
        '{"type":"size","size":Infinity}',
        '{"type":"tracking","tracking":"somewhere"}',
        '{"type":"tracking","tracking":3}',
        json.dumps({"type": "hello", "speaker": "x", "epoch_unix_ms": 1, "fps": 25}),
        json.dumps({"type": "hello", "speaker": SHA, "epoch_unix_ms": 1, "fps": 0}),
        json.dumps({"type": "hello", "speaker": SHA, "epoch_unix_ms": -1, "fps": 25}),
        json.dumps({"type": "hello", "speaker": SHA, "epoch_unix_ms": 1, "fps": 1e9}),
        json.dumps(
            {
                "type": "hello",
                "speaker": SHA,
                "epoch_unix_ms": 1,
                "fps": 25,
                "source_duration_ms": 0,
            }
        ),
        json.dumps({"type": "layers", "base_bytes": 311_081, "base_sha256": "x"}),
        json.dumps({"type": "layers", "base_bytes": 700_001, "base_sha256": SHA}),
        json.dumps({"type": "layers", "base_bytes": 0, "base_sha256": SHA}),
        '{"type":"ping","t":' + "9" * 5_000 + "}",
        '{"type":"presence","camera":true}',
        '{"type":"presence","camera":1,"microphone":true}',
        '{"type":"chat"}',
        '{"type":"chat","text":" \\n"}',
        '{"type":"chat","text":"\\u0000"}',
        '{"type":"chat","text":"\\ud83d"}',
        json.dumps({"type": "chat", "text": "x" * (control.MAX_CHAT_CHARS + 1)}),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ControlMessageError, match="expected") as caught:
        control.parse(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_the_longest_line_of_chat_fits_a_control_message() -> None:
    line = control.Chat("\U0001f600" * control.MAX_CHAT_CHARS)
    assert len(control.build(line)) <= MAX_CONTROL_CHARS
