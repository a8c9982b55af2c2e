"""What is known of each night, gathered once for the pages, the JSON file and the feed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from saddle.nightly.bisect import Bisection
from saddle.nightly.decision.decision import Decision
from saddle.nightly.decision.history import Acceptance
from saddle.nightly.decision.night import Environment, Night
from saddle.nightly.run_night import read_bisection
from saddle.nightly.storage import NightlyStorage, Part
from saddle.nightly.text import effects_text, sentence
from saddle.nightly.trouble import Trouble, read_trouble

FLAGGED = ("worse",)
CHANGED = ("changed", "not settled", "superseded", "no worse")


@dataclass(frozen=True)
class NightFacts:
    """A night that was begun: with a `decision` it is over, with a `trouble` it could not run so far."""

    date: str
    environment: Environment | None
    parts: tuple[Part, ...]
    night: Night | None = None
    decision: Decision | None = None
    found: Bisection | None = None
    trouble: Trouble | None = None
    accepted: Acceptance | None = None
    """A person's word that its numbers are the references from then on."""

    @property
    def word(self) -> str:
        """What it came to, in a word or two."""
        if self.decision is not None:
            return self.decision.kind
        return "could not run" if self.trouble is not None else "under way"

    @property
    def sentence(self) -> str:
        """What it came to."""
        if self.decision is not None:
            text = sentence(self.decision, self.found)
        elif self.trouble is not None:
            text = f"Could not run: {self.trouble.why.splitlines()[0]}"
        else:
            text = "It was begun and is not finished."
        return f"{text} Accepted: {self.accepted.why}" if self.accepted is not None else text

    @property
    def tone(self) -> str:
        """The colour of its answer."""
        if self.word in FLAGGED:
            return "bad"
        if self.word in CHANGED:
            return "good" if self.word == "no worse" else "mixed"
        return "good" if self.word == "unchanged" else "plain"

    @property
    def commits(self) -> str:
        """Between which codes something changed; empty if nothing did."""
        if self.decision is None or self.decision.change is None:
            return ""
        if self.found is not None and len(self.found.suspects) == 1:
            return str(self.found.suspects[0].code)
        before, after = self.decision.change.commits
        return f"{before} … {after}" if before != after else ""

    @property
    def trials(self) -> int:
        """How many trials it has measured so far."""
        return sum(len(part.measurements) for part in self.parts)

    def as_plain(self) -> dict[str, Any]:
        """The night as JSON has it."""
        decision = self.decision
        return {
            "date": self.date,
            "result": self.word,
            "exit_code": None if decision is None else decision.exit_code,
            "sentence": self.sentence,
            "code": None if self.environment is None else str(self.environment.code),
            "commit": None if self.environment is None else self.environment.code.commit,
            "machine": None if self.environment is None else self.environment.machine,
            "commits": self.commits,
            "changed_by": [] if self.found is None else [str(suspect) for suspect in self.found.suspects],
            "changed_since": None if decision is None or decision.change is None else decision.change.first_night,
            "effects": "" if decision is None else effects_text(decision.effects),
            "trials": self.trials,
            "runs": [part.instance for part in self.parts if part.is_done],
            "accepted": None if self.accepted is None else self.accepted.why,
        }


def all_nights(storage: NightlyStorage) -> list[NightFacts]:
    """Every night that was begun, in order."""
    accepted = {acceptance.night: acceptance for acceptance in storage.accepted()}
    return [_facts_of(storage, date, accepted.get(date)) for date in storage.dates()]


def _facts_of(storage: NightlyStorage, date: str, accepted: Acceptance | None) -> NightFacts:
    pin, night, decision = storage.pin(date), storage.night(date), storage.decision(date)
    environment = night.environment if night is not None else pin.environment if pin is not None else None
    bisection = None if decision is None else read_bisection(storage, decision.change)
    parts = tuple(storage.parts(date))
    return NightFacts(date, environment, parts, night, decision, bisection, read_trouble(storage, date), accepted)
