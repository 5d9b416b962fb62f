"""What is known of a speaker who has proven who it is, for those who watch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verified:
    """Somebody proven, or nobody yet.

    Attributes:
        owner: fingerprint of the key that the speaker's file belongs to.
        sas: six digits that both ends compare.
    """

    owner: str | None = None
    sas: str | None = None

    def figures(self) -> dict[str, object]:
        """What a viewer is told of it."""
        return {"owner": self.owner, "sas": self.sas}
