"""Every parser that reads what a stranger may have written, as something to feed bytes to.

A target takes any bytes and returns, or raises one of its named errors. Whatever else happens is
a finding.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
from aiortc.rtcsctptransport import DataChunk, SackChunk

from client import control
from client.call_page import messages as page_messages
from client.errors import (
    CallPageError,
    CarrierError,
    CertificateError,
    ControlMessageError,
)
from client.identity import messages as handshake
from client.identity.certificate import certify, read_certificate
from client.signaling import Membership, Role, SignalingClient
from client.transport import thin
from client.transport.sack_receipts import SackReceipts
from client.transport.sctp import bundle
from codec.container import CallReader, CallWriter
from codec.decoder import Decoder
from codec.errors import CodecError, PacketError
from codec.face import FaceState
from codec.held import Held
from codec.packet import Packet, Place
from codec.profile import Profile
from codec.receipt import Receipt
from models.errors import SpeakerFileError
from models.portrait.speaker import parse_base
from models.portrait.speaker_layers import HEADER_BYTES
from server.config import Limits
from server.errors import SignalingError, TokenError
from server.messages import Role as ServerRole
from server.messages import parse_message
from server.tokens import Grant, TokenSigner
from tests.client.identity.ends import OWNER
from tests.codec.streams import MODEL, SPEAKER, encode_all, talking_head

SECRET = b"a secret of thirty-two bytes, or more"


@dataclass(frozen=True)
class Target:
    """One parser.

    Attributes:
        feed: reads bytes.
        errors: what it may raise.
        seeds: makes inputs that are right.
        inputs: how many a run of the tests tries.
        peak_bytes: what one input may make it allocate.
        median_ms: how long one input may take.
    """

    feed: Callable[[bytes], None]
    errors: tuple[type[Exception], ...]
    seeds: Callable[[], list[bytes]]
    inputs: int
    peak_bytes: int = 1_000_000
    median_ms: float = 1.0


@cache
def _packets() -> tuple[bytes, ...]:
    states = talking_head(48)
    return (*encode_all(states, Profile.COMPACT), *encode_all(states, Profile.LOSSLESS))


def _check(states: tuple[FaceState, ...]) -> None:
    assert 1 <= len(states) <= 8
    for state in states:
        assert np.isfinite(state.vector()).all(), "nothing but numbers reaches the screen"


class _RunningStream:
    """A decoder in the middle of a stream; after a while another one, which knows less."""

    def __init__(self) -> None:
        self._decoder: Decoder | None = None

    def decoder(self) -> Decoder:
        if self._decoder is None or self._decoder.counters.total() > 200:
            self._decoder = Decoder(SPEAKER, MODEL)
            self._decoder.decode(_packets()[0])
        return self._decoder


_running = _RunningStream()


def packet(data: bytes) -> None:
    """A packet that belongs to a running stream, damaged."""
    _check(_running.decoder().decode(data))


def sealed_packet(data: bytes) -> None:
    """A packet whose checksum is right for whatever it says."""
    parsed = Packet.parse(data)
    if parsed.is_key:
        prefix = bytes.fromhex(SPEAKER)[:4]
        parsed = parsed.sealed(Place(prefix, parsed.sequence, parsed.pts_ms))
    _check(Decoder(SPEAKER, MODEL).decode(bytes(parsed)))


def container(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=_memory()) as file:
        file.write(data)
        file.flush()
        for got in CallReader(Path(file.name)):
            assert len(got) <= 65_535


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _containers() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call"
        with CallWriter(path, SPEAKER, Profile.COMPACT, Fraction(25)) as writer:
            for number, data in enumerate(_packets()[:4]):
                writer.write(data + bytes(300 * (number == 2)), 4)
        return [path.read_bytes()]


def thin_payload(data: bytes) -> None:
    """The first byte is the payload type."""
    parsed = thin.parse(data[0] if data else 0, data[1:])
    assert sum(map(len, parsed.portrait)) + len(parsed.audio) <= len(data)
    if parsed.receipt:
        Held(0).told(Receipt.parse(parsed.receipt), 100)


def _thin_payloads() -> list[bytes]:
    payloads = [
        thin.ThinPayload(packets, b"opus" * sound)
        for packets in ((), (b"portrait",), (b"portrait" * 60,), (b"portrait", b"copy" * 70, b"x"))
        for sound in (0, 9)
    ]
    payloads.append(thin.ThinPayload(receipt=bytes(Receipt.of((98, 97, 95)))))
    return [bytes([kind]) + data for kind, data in (payload.pack() for payload in payloads)]


def acknowledgement(data: bytes) -> None:
    """SCTP of a peer that says which face packets have come."""
    receipts = SackReceipts()
    for packet in _sctp_of_face_packets():
        receipts.sent(packet, 1)
    receipts.received(data)
    if receipts.receipt:
        told = Receipt.parse(receipts.receipt).sequences(len(_packets()))
        assert max(told) < len(_packets()), "nothing that was not sent"


@cache
def _sctp_of_face_packets() -> tuple[bytes, ...]:
    chunks = []
    for tsn, content in enumerate(_packets()):
        chunk = DataChunk(flags=7)
        chunk.tsn, chunk.stream_id, chunk.protocol, chunk.user_data = tsn, 1, 53, content
        chunks.append(bundle((5000, 5000), 1, [chunk]))
    return tuple(chunks)


def _acknowledgements() -> list[bytes]:
    made = []
    for cumulative, gaps in ((0, []), (1, [(2, 2)]), (2**32 - 1, [(2, 3)])):
        chunk = SackChunk()
        chunk.cumulative_tsn, chunk.gaps = cumulative, gaps
        made.append(bundle((5000, 5000), 1, [chunk]))
    return made


def control_message(data: bytes) -> None:
    for value in vars_of(control.parse(data.decode("utf-8", "replace"))):
        assert not isinstance(value, float) or math.isfinite(value)


def vars_of(message: object) -> list[object]:
    return [getattr(message, name) for name in message.__slots__]  # type: ignore[attr-defined]


def _control_messages() -> list[bytes]:
    built = [
        control.Hello(SPEAKER, 1.8e12, 20_000, 25.0),
        control.Layers(200_000, SPEAKER),
        control.Ping(5.5),
        control.Pong(5.5, 1.8e12),
        control.NeedKey(),
        control.SizeRequest(256),
        control.Presence(camera=False, microphone=True),
        control.Chat("Grüß dich"),
    ]
    return [control.build(message).encode() for message in built]


def page_message(data: bytes) -> None:
    """What a page says to its program."""
    match page_messages.parse(data.decode("utf-8", "replace")):
        case page_messages.Enter() as entered:
            entered.fits("another")
        case page_messages.Say(text):
            control.build(control.Chat(text))


def _page_messages() -> list[bytes]:
    said: list[dict[str, object]] = [
        {"type": "enter", "secret": "kvhtENskMYAUzydjY3M_Dw"},
        {"type": "show", "camera": False, "microphone": True},
        {"type": "say", "text": "Grüß dich"},
        {"type": "signal", "media": "camera", "data": {"kind": "offer", "sdp": "v=0"}},
        {"type": "hang_up"},
    ]
    return [json.dumps(message).encode() for message in said]


def handshake_message(data: bytes) -> None:
    handshake.parse(data.decode("utf-8", "replace"))


def _handshake_messages() -> list[bytes]:
    built: list[handshake.HandshakeMessage] = [
        handshake.Commit(b"c" * 32),
        handshake.Challenge(b"n" * 16, b"k" * 32),
        handshake.Proof(b"n" * 16, b"s" * 64),
        handshake.Confirm(b"s" * 64),
    ]
    return [handshake.build(message).encode() for message in built]


def certificate(data: bytes) -> None:
    read_certificate(data.decode("utf-8", "replace"), SPEAKER)


def token(data: bytes) -> None:
    TokenSigner(SECRET).verify(data.decode("utf-8", "replace"), 1.8e9)


def server_message(data: bytes) -> None:
    parse_message(data.decode("utf-8", "replace"), Limits())


def _server_messages() -> list[bytes]:
    said: list[dict[str, object]] = [
        {"type": "join", "room": "blue", "role": "viewer", "participant": "ada", "token": "v1.a.b"},
        {"type": "join", "room": "b", "role": "speaker", "speaker": SPEAKER, "certificate": "AA"},
        {"type": "signal", "to": "p", "data": {"kind": "offer", "sdp": "v=0", "carrier": "srtp"}},
        {"type": "leave"},
        {"type": "ping"},
    ]
    return [json.dumps(message).encode() for message in said]


class _Nobody:
    """Is told what the server says, and does nothing."""

    def joined(self) -> None: ...

    def paired(self, pairing: object) -> None: ...

    def unpaired(self, peer: str, *, lost: bool) -> None: ...

    def signaled(self, peer: str, data: object) -> None: ...

    def renewed(self, servers: object) -> None: ...


def client_message(data: bytes) -> None:
    """What a server says to a participant."""
    client = SignalingClient(None, "http://x", Membership("r", Role.RENDERER), _Nobody())  # type: ignore[arg-type]
    client._joined = True
    client._dispatch(data.decode("utf-8", "replace"))


def _client_messages() -> list[bytes]:
    said: list[dict[str, object]] = [
        {"type": "joined", "peer": "p", "room": "r", "ice_servers": [{"urls": ["stun:s"]}]},
        {"type": "renewed", "ice_servers": [{"urls": []}], "token": "v1.a.b"},
        {"type": "pair", "peer": "p", "role": "speaker", "speaker": SPEAKER, "certificate": "AA"},
        {"type": "unpair", "peer": "p", "lost": True},
        {"type": "signal", "from": "p", "data": {"kind": "offer", "sdp": "v=0"}},
        {"type": "error", "code": "room_full", "message": "expected"},
    ]
    return [json.dumps(message).encode() for message in said]


def speaker_base(data: bytes) -> None:
    """The safetensors part of a base layer, in a header that fits it."""
    header = _speaker_header()[:20] + len(data).to_bytes(4, "big") + bytes(8)
    base = parse_base(header + data, "fuzzed")
    assert all(np.isfinite(values).all() for values in base.tensors.values())


def speaker_header(data: bytes) -> None:
    parse_base(data, "fuzzed")


@cache
def _base_layer() -> bytes:
    from models.portrait.speaker_layers import base_layer
    from tests.fuzzing.small_speaker import small_speaker

    data = small_speaker()
    return data[: base_layer(data, "seed").bytes]


def _speaker_header() -> bytes:
    return _base_layer()[:HEADER_BYTES]


TARGETS = {
    "packet": Target(packet, (PacketError,), lambda: list(_packets()), 20_000),
    "sealed_packet": Target(sealed_packet, (PacketError,), lambda: list(_packets()), 20_000),
    "container": Target(container, (CodecError,), _containers, 8_000),
    "thin_payload": Target(thin_payload, (CarrierError,), _thin_payloads, 12_000),
    "acknowledgement": Target(acknowledgement, (), _acknowledgements, 4_000),
    "control_message": Target(control_message, (ControlMessageError,), _control_messages, 10_000),
    "page_message": Target(page_message, (CallPageError,), _page_messages, 8_000),
    "handshake_message": Target(
        handshake_message, (ControlMessageError,), _handshake_messages, 8_000
    ),
    "certificate": Target(
        certificate,
        (CertificateError,),
        lambda: [certify(OWNER, SPEAKER, 0).text().encode()],
        4_000,
    ),
    "token": Target(
        token,
        (TokenError,),
        lambda: [TokenSigner(SECRET).sign(Grant("b", frozenset(ServerRole), 2**31)).encode()],
        6_000,
    ),
    "server_message": Target(server_message, (SignalingError,), _server_messages, 8_000),
    "client_message": Target(client_message, (), _client_messages, 6_000),
    "speaker_header": Target(
        speaker_header, (SpeakerFileError,), lambda: [_base_layer()[:200]], 1_000
    ),
    "speaker_base": Target(
        speaker_base,
        (SpeakerFileError,),
        lambda: [_base_layer()[HEADER_BYTES:]],
        600,
        peak_bytes=4_000_000,
        median_ms=20.0,
    ),
}


def try_one(target: Target, data: bytes) -> float:
    """Feeds one input; returns the milliseconds that it took.

    Raises:
        Exception: a finding.
    """
    started = time.perf_counter()
    try:
        target.feed(data)
    except target.errors as error:
        assert "\n" not in str(error), "one line"
        assert len(str(error)) < 500, "a short one"
    return 1000.0 * (time.perf_counter() - started)
