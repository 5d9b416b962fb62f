"""The client's branch of the error tree: capture, server, signaling, transport, peers."""

from codec.errors import NerfcallError


class ClientError(NerfcallError):
    """Anything that a participant of a call runs into."""


class CaptureError(ClientError):
    """A camera that cannot be opened or stopped delivering."""


class ServerError(ClientError):
    """The server cannot be reached, or answers something that ends the call."""


class SpeakerTransferError(ServerError):
    """A speaker file could not be uploaded, downloaded, or is not what was asked for."""


class NotSharedError(SpeakerTransferError):
    """The server has no speaker file for us: its owner does not give it, or has taken it back."""


class SignalingError(ServerError):
    """The server refuses this participant, or says something that is no signaling message."""


class NegotiationError(ClientError):
    """A peer connection could not be agreed on or did not open in time."""


class SilenceError(NegotiationError):
    """A connection through which nothing has come for too long."""


class ControlMessageError(ClientError):
    """A control or stats message from a peer that has to be ignored."""


class ChildError(ClientError):
    """A process that was started for a demo or a measurement has died."""


class OutputError(ClientError):
    """A result cannot be written where it was asked for."""


class ToldError(ClientError):
    """A failure that a child process has told the user about already."""


class DemoError(ClientError):
    """The demo cannot start: its port is taken, or there is nothing to show."""


class ListenError(ClientError):
    """The address of a local page cannot be listened on: taken, not ours, or not permitted."""


class EmulationError(ClientError):
    """A link for measuring cannot be made here: not permitted, or a tool is missing."""


class CarrierError(ClientError):
    """A packet of the thin carrier that is neither portrait nor sound."""


class IdentityError(ClientError):
    """A key, or what is remembered of others' keys, that cannot be read or written."""


class AuthenticityError(ClientError):
    """A speaker who has not shown that the face is theirs; it is not drawn."""


class CertificateError(AuthenticityError):
    """No certificate, one for another speaker file, or one that its owner has not signed."""


class OwnerChangedError(AuthenticityError):
    """A speaker file that belonged to somebody else when it was first seen."""


class HandshakeError(AuthenticityError):
    """A peer that does not prove, for this very connection, that it holds its key."""


class MissingSpeakerError(ClientError):
    """A recorded call whose speaker file is neither named nor cached."""


class SoundError(ClientError):
    """Sound that is damaged, or no library to code it with."""


class CallPageError(ClientError):
    """A message of the call's page that makes no sense."""


class EnrolPageError(ClientError):
    """A request of the enrolment page that makes no sense now."""
