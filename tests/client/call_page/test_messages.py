from __future__ import annotations

import json

import pytest

from client.call_page import messages
from client.call_page.messages import Media
from client.control import MAX_CHAT_CHARS
from client.errors import CallPageError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"enter","secret":"s3cret"}', messages.Enter("s3cret")),
        ('{"type":"join"}', messages.Join()),
        ('{"type":"hang_up"}', messages.HangUp()),
        ('{"type":"reconnect"}', messages.Reconnect()),
        ('{"type":"show","camera":false}', messages.Show(False, None)),
        ('{"type":"show","microphone":true}', messages.Show(None, True)),
        ('{"type":"say","text":"Hello\\nyou"}', messages.Say("Hello\nyou")),
        (
            '{"type":"signal","media":"camera","data":{"kind":"offer","sdp":"v=0","more":1}}',
            messages.Signal(Media.CAMERA, {"kind": "offer", "sdp": "v=0"}),
        ),
    ],
)
def test_what_the_page_says_is_understood(text: str, message: messages.PageMessage) -> None:
    assert messages.parse(text) == message


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[" * 100_000, "null", "[]", "{}", '{"type":7}', '{"type":"unknown"}'),
        *('{"type":"enter"}', '{"type":"enter","secret":7}', '{"type":"enter","secret":"\\ud800"}'),
        json.dumps({"type": "enter", "secret": "x" * 101}),
        *('{"type":"show","camera":1}', '{"type":"show","microphone":"on"}'),
        *('{"type":"say"}', '{"type":"say","text":"  \\n "}', '{"type":"say","text":"\\u0007"}'),
        json.dumps({"type": "say", "text": "x" * (MAX_CHAT_CHARS + 1)}),
        '{"type":"signal","media":"screen","data":{"kind":"offer","sdp":""}}',
        '{"type":"signal","media":["camera"],"data":{"kind":"offer","sdp":""}}',
        '{"type":"signal","media":"camera","data":{"kind":"candidate","sdp":""}}',
        '{"type":"signal","media":"camera","data":{"kind":["offer"],"sdp":""}}',
        '{"type":"signal","media":"camera","data":[]}',
        '{"type":"signal","media":"camera","data":{"kind":"offer","sdp":7}}',
        json.dumps(
            {"type": "signal", "media": "camera", "data": {"kind": "offer", "sdp": "x" * 100_001}}
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(CallPageError, match="expected") as caught:
        messages.parse(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_secret_fits_itself_alone() -> None:
    assert messages.Enter("grün").fits("grün")
    assert not messages.Enter("").fits("grün")
