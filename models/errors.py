"""The models' branch of the error tree: clips, speaker files, tracking, enrolment."""

from codec.errors import NerfcallError


class ModelError(NerfcallError):
    """Something that a model was given and cannot work with."""


class ClipError(ModelError):
    """A video that cannot be used: no video, empty, of changing size, damaged."""


class NoFaceError(ClipError):
    """No face was found where one is needed."""


class UnsuitableClipError(ClipError):
    """A clip that shows a face and yet cannot be learned from; says what to do about it."""


class SpeakerFileError(ModelError):
    """A speaker file that is truncated, of another version, or of absurd content."""


class KernelError(ModelError):
    """Kernels that do not work on this machine, or that do not know a field of some shape."""


class EnrolmentError(ModelError):
    """A speaker could not be learned from what was given."""


class StoppedError(EnrolmentError):
    """Enrolment was asked to stop before it had learned anything worth keeping."""


class BaselineError(ModelError):
    """A codec that nerfcall is compared with fails, or is described wrongly."""


class ExperimentError(ModelError):
    """A list of clips to compare on, or figures to quote, that cannot be used."""


class StudyError(ModelError):
    """A subjective test that cannot be prepared or read, or whose votes are not its own."""


class VoteError(StudyError):
    """A vote that is not one: an answer is missing, of the wrong kind or out of its range."""


class DatasetError(ModelError):
    """A data set's lists, or a video that they name, that cannot be used."""
