"""The server's branch of the error tree: settings, signaling and the speaker store."""

from __future__ import annotations

from typing import ClassVar

from codec.errors import NerfcallError


class ServerError(NerfcallError):
    """Something that the server was given and cannot work with."""


class SettingsError(ServerError):
    """An option of the command line that makes no sense."""


class ListenError(ServerError):
    """The address cannot be listened on: taken, not ours, or not permitted."""


class SignalingError(ServerError):
    """A signaling message that the server refuses.

    Attributes:
        code: the name that the peer is told in the `error` message.
        close_code: the WebSocket close code (RFC 6455, section 7.4) when the connection cannot
            go on; None when the mistake is harmless and the connection stays.
    """

    code: ClassVar[str] = "signaling_error"
    close_code: ClassVar[int | None] = None


class MalformedMessageError(SignalingError):
    """Not a text frame holding one JSON object."""

    code = "malformed_message"


class MessageTooLargeError(SignalingError):
    """More bytes than any honest session description needs."""

    code = "message_too_large"
    close_code = 1009


class UnknownTypeError(SignalingError):
    """The `type` field names no message of the protocol."""

    code = "unknown_type"


class InvalidFieldError(SignalingError):
    """A field that is missing, of the wrong type or out of its range."""

    code = "invalid_field"


class NotJoinedError(SignalingError):
    """A message that makes sense inside a room only."""

    code = "not_joined"


class AlreadyJoinedError(SignalingError):
    """A second `join` without a `leave` between."""

    code = "already_joined"


class NotPairedError(SignalingError):
    """A signal to a peer that this one is not, or no longer, paired with."""

    code = "not_paired"


class RoomFullError(SignalingError):
    """The room holds as many peers as the server allows."""

    code = "room_full"


class TooManyRoomsError(SignalingError):
    """The server holds as many rooms as it allows."""

    code = "too_many_rooms"


class TooManyConnectionsError(SignalingError):
    """More connections, or faster, than one address or the whole server may have."""

    code = "too_many_connections"


class TooManyRequestsError(SignalingError):
    """Requests come faster than any honest address sends them."""

    code = "too_many_requests"


class TooManyJoinsError(SignalingError):
    """Joins come faster than any honest address sends them."""

    code = "too_many_joins"
    close_code = 1008


class TokenError(SignalingError):
    """A peer that has no permission for what it asks.

    Attributes:
        status: the HTTP status of the answer, where it asked by HTTP.
    """

    status: ClassVar[int] = 401


class TokenRequiredError(TokenError):
    """This server lets nobody in without a token."""

    code = "token_required"


class InvalidTokenError(TokenError):
    """A token that this server has not made, or that is for something else."""

    code = "token_invalid"


class ExpiredTokenError(TokenError):
    """A token whose time is over."""

    code = "token_expired"


class TooManyMessagesError(SignalingError):
    """Messages come faster than any honest peer sends them."""

    code = "too_many_messages"
    close_code = 1008


class ShuttingDownError(SignalingError):
    """The server stops; peers that are connected to each other stay so."""

    code = "shutting_down"
    close_code = 1001


class StoreError(ServerError):
    """A request to the speaker store that cannot be served.

    Attributes:
        code: the name that the client is told.
        status: the HTTP status of the answer.
    """

    code: ClassVar[str] = "store_error"
    status: ClassVar[int] = 400


class InvalidSpeakerIdError(StoreError):
    """The address is not a sha256 in lower-case hexadecimal."""

    code = "invalid_speaker_id"
    status = 400


class TruncatedUploadError(StoreError):
    """The body ended before its announced length, or is empty."""

    code = "truncated_upload"
    status = 400


class StalledUploadError(StoreError):
    """The body stopped coming."""

    code = "stalled_upload"
    status = 408


class UnknownSpeakerError(StoreError):
    """No file is stored under this address."""

    code = "unknown_speaker"
    status = 404


class DamagedSpeakerError(StoreError):
    """A stored file was changed, or sealed with another secret: as good as none."""

    code = "damaged_speaker"
    status = 404


class UnsatisfiableRangeError(StoreError):
    """A part that a file does not have."""

    code = "unsatisfiable_range"
    status = 416


class SpeakerMismatchError(StoreError):
    """The body's hash is not the address that it was sent to."""

    code = "speaker_mismatch"
    status = 409


class SpeakerTooLargeError(StoreError):
    """The body is larger than a speaker file may be."""

    code = "speaker_too_large"
    status = 413


class TooManyUploadsError(StoreError):
    """Uploads come faster than any honest address sends them."""

    code = "too_many_uploads"
    status = 429


class NotSharedError(StoreError):
    """The speaker is not in the room that the token is for: nobody shares this file there."""

    code = "not_shared"
    status = 403


class RevokedSpeakerError(StoreError):
    """The owner has taken this file back."""

    code = "revoked_speaker"
    status = 410


class NotOwnerError(StoreError):
    """A deletion that the owner of the file has not signed, or a file without an owner."""

    code = "not_owner"
    status = 403


class StoreFailedError(StoreError):
    """The disk does not take the file: it is full, or not ours to write."""

    code = "store_failed"
    status = 507
