"""All nights of a nightly study in order, and the changes that a person accepted: nothing in it is ever altered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from pydantic import TypeAdapter

from saddle.nightly.decision.decision import Decision
from saddle.nightly.decision.night import Night
from saddle.nightly.decision.policy import Policy
from saddle.nightly.decision.tracks import Tracks
from saddle.nightly.decision.work import Work

HISTORY_VERSION = 1
"""Of a history's JSON."""


@dataclass(frozen=True)
class Acceptance:
    """A person's word that what was measured on `night` is the reference from now on.

    `after`: how many nights the history had when it was given.
    """

    night: str
    why: str
    after: int
    by: str = ""


@dataclass(frozen=True)
class History:
    """Finished nights in the order they were run, under one policy."""

    policy: Policy
    nights: tuple[Night, ...] = ()
    accepted: tuple[Acceptance, ...] = ()
    version: int = HISTORY_VERSION

    @cached_property
    def tracks(self) -> Tracks:
        """What follows from all nights and acceptances, replayed in order."""
        tracks = Tracks()
        for count, night in enumerate(self.nights, start=1):
            tracks = tracks.after(self.policy, night)
            for acceptance in self.accepted:
                if acceptance.after == count:
                    tracks = tracks.accepting(self.nights[:count], acceptance.night)
        return tracks

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What each night said."""
        return self.tracks.decisions

    def with_night(self, night: Night) -> History:
        """The history with a finished night; raises `ValueError` for one whose required work is not done."""
        if self.lacks_work(night):
            raise ValueError(f"the night of {night.date} is not finished")
        return _known(replace(self, nights=(*self.nights, night)), self.tracks.after(self.policy, night))

    def work(self, night: Night) -> Work | None:
        """What a night that follows is to train next; None if it is done."""
        return self.tracks.work(self.policy, night)

    def lacks_work(self, night: Night) -> bool:
        """Whether the night has not measured yet what it needs to say anything."""
        work = self.work(night)
        return work is not None and work.required

    def accept(self, date: str, why: str, by: str = "") -> History:
        """The history in which what was measured on that night is the reference from now on.

        Raises `UserError` if there is no such night, or its values are not those of a change that is still there.
        """
        tracks = self.tracks.accepting(self.nights, date)
        acceptance = Acceptance(date, why, len(self.nights), by)
        return _known(replace(self, accepted=(*self.accepted, acceptance)), tracks)

    def to_json(self) -> str:
        """The history as JSON, floats exact."""
        return _HISTORY.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> History:
        """The history that `to_json` wrote; raises `ValueError` if it is none, or of a later version."""
        history = _HISTORY.validate_json(text)
        if history.version > HISTORY_VERSION:
            raise ValueError(f"this history is of version {history.version}; this saddle reads up to {HISTORY_VERSION}")
        return history


def _known(history: History, tracks: Tracks) -> History:
    """The history with what follows from it, so that its nights need not be replayed for each further one."""
    history.__dict__["tracks"] = tracks
    return history


_HISTORY = TypeAdapter(History)
