"""All nights of a nightly study in order, and the changes that a person accepted: nothing in it is ever altered."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from saddle.nightly.decision.night import Night
from saddle.nightly.decision.policy import Policy

HISTORY_VERSION = 1
"""Of a history's JSON."""


@dataclass(frozen=True)
class Acceptance:
    """A person's word that what was measured on `night` is the reference from now on.

    `after`: the date of the last night in the history when it was given, from which on it holds.
    """

    night: str
    why: str
    after: str
    by: str = ""


@dataclass(frozen=True)
class History:
    """Finished nights in the order they were run, under one policy."""

    policy: Policy
    nights: tuple[Night, ...] = ()
    accepted: tuple[Acceptance, ...] = ()
    version: int = HISTORY_VERSION

    def to_json(self) -> str:
        """The history as JSON, floats exact."""
        return _HISTORY.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> History:
        """The history that `to_json` wrote; raises `ValueError` where it is none, or of a later version."""
        history = _HISTORY.validate_json(text)
        if history.version > HISTORY_VERSION:
            raise ValueError(f"this history is of version {history.version}; this saddle reads up to {HISTORY_VERSION}")
        return history


_HISTORY = TypeAdapter(History)
