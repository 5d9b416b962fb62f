"""The root of every error that nerfcall raises on purpose, and the codec's branch of it.

Each package adds its own branch (`models.errors`, `client.errors`, `server.errors`).
A message states what was expected and what came, in one line that may be shown to a user.
"""


class NerfcallError(Exception):
    """Anything that went wrong in a way nerfcall foresees; its text is one readable line."""


class CodecError(NerfcallError):
    """Bytes or values that the codec cannot accept."""


class QuantizationError(CodecError):
    """Numbers that cannot be coded: not finite, or of the wrong shape."""


class PacketError(CodecError):
    """A received packet that has to be dropped."""


class TruncatedPacketError(PacketError):
    """The packet ends before its fields do."""


class CorruptPacketError(PacketError):
    """The checksum does not match: damaged bytes, or bytes meant for another speaker."""


class UnsupportedVersionError(PacketError):
    """The version field names a wire format that this decoder does not speak."""


class WrongSpeakerError(PacketError):
    """A key packet that names another speaker than the one this decoder was made for."""


class ReplayedPacketError(PacketError):
    """A sequence number that was decoded before, or is too old to tell."""


class FuturePacketError(PacketError):
    """A sequence number or timestamp implausibly far ahead of the stream."""


class MissingReferenceError(PacketError):
    """A packet whose reference was lost, or that comes before the first key packet."""


class ContainerError(CodecError):
    """A recorded call that is not one, is damaged, or belongs to another speaker."""


class NoKeyPacketError(ContainerError):
    """A recorded call that holds no packet at which a stream can be entered."""
