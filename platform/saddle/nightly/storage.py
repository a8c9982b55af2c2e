"""A nightly in its storage: its nights, what was pinned of a running one, what was decided, and what was accepted.

```
studies/STUDY@nightly/
    study-of-nights.yaml      the study whose arms are repeated, as it was begun
    nights/DATE/pin.json      the code and machine that the night runs with, written before anything is trained
    nights/DATE/parts/N.json  what was trained with one code, as it was measured
    nights/DATE/night.json    all that the night measured; written once, and then the night is over
    nights/DATE/decision.json what that says
    accepted/NNNN.json        what a person accepted
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from saddle.errors import StorageError
from saddle.nightly.decision.decision import Decision
from saddle.nightly.decision.history import Acceptance, History
from saddle.nightly.decision.night import Environment, Measurement, Night
from saddle.nightly.decision.policy import Policy
from saddle.store.base import Store
from saddle.store.open import study_folder
from saddle.store.ownership.fence import StudyLock, write_fenced, write_once
from saddle.trial.run_id import MARK, RunId

NIGHTLY = "nightly"
DIFF = "code.diff"
"""Of a night: the changes that were not committed, for people."""

STUDY = "study-of-nights.yaml"
"""Not `study.yaml`: this folder is not a run, and no command may treat it as one."""


@dataclass(frozen=True)
class Pin:
    """What a night was started with; a process that continues the night uses this."""

    date: str
    environment: Environment
    started: float


@dataclass(frozen=True)
class Part:
    """What is trained with one code, as a separate run of the study.

    `before`: the instance that had the study's name when the part began, and is set aside for it. `instance` and
    `measurements` are known once all is trained.
    """

    number: int
    purpose: str
    commit: str
    seeds: tuple[int, ...]
    before: str | None
    instance: str = ""
    measurements: tuple[Measurement, ...] = ()
    data: str = ""
    """The fingerprint of what it was trained on."""

    @property
    def is_done(self) -> bool:
        """Whether all of it is trained and measured."""
        return bool(self.instance)


@dataclass(frozen=True)
class NightlyStorage:
    """All nights of one study in a storage."""

    store: Store
    study: str

    @cached_property
    def run(self) -> RunId:
        """What is locked while a night runs; its folder is next to the study's runs but is not a run."""
        return RunId(self.study, "", f"{self.study}{MARK}{NIGHTLY}")

    @cached_property
    def folder(self) -> str:
        """The folder of the nightly's files."""
        return study_folder(self.run)

    def path(self, *parts: str) -> str:
        """A path below the folder."""
        return "/".join((self.folder, *parts))

    def night_path(self, date: str, *parts: str) -> str:
        """A path below a night's folder."""
        return self.path("nights", date, *parts)

    def dates(self) -> list[str]:
        """Every night that was begun, in order."""
        return sorted(self.store.names(self.path("nights")))

    def night(self, date: str) -> Night | None:
        """The night, once it is over."""
        content = self._read(self.night_path(date, "night.json"))
        return None if content is None else self._parsed(Night.from_json, content, date)

    def decision(self, date: str) -> Decision | None:
        """What the night says, once that was decided."""
        content = self._read(self.night_path(date, "decision.json"))
        return None if content is None else self._parsed(Decision.from_json, content, date)

    def pin(self, date: str) -> Pin | None:
        """What the night was begun with; None if it was not."""
        content = self._read(self.night_path(date, "pin.json"))
        return None if content is None else self._parsed(_PIN.validate_json, content, date)

    def parts(self, date: str) -> list[Part]:
        """The parts of a night that were begun, in order."""
        folder = self.night_path(date, "parts")
        contents = (self.store.read(f"{folder}/{name}") for name in self.store.names(folder))
        return [self._parsed(_PART.validate_json, content, date) for content in contents]

    def accepted(self) -> tuple[Acceptance, ...]:
        """What persons accepted, in order."""
        folder = self.path("accepted")
        contents = (self.store.read(f"{folder}/{name}") for name in self.store.names(folder))
        return tuple(self._parsed(_ACCEPTANCE.validate_json, content, "accepted") for content in contents)

    def history(self, policy: Policy, before: str | None = None) -> History:
        """The finished nights, or those of them before a date."""
        nights = (self.night(date) for date in self.dates() if before is None or date < before)
        finished = tuple(night for night in nights if night is not None)
        accepted = tuple(each for each in self.accepted() if each.after <= len(finished))
        return History(policy, finished, accepted)

    def decisions(self) -> Iterator[tuple[str, Decision]]:
        """What was decided, night after night."""
        for date in self.dates():
            decision = self.decision(date)
            if decision is not None:
                yield date, decision

    def write_pin(self, pin: Pin, lock: StudyLock) -> None:
        """Begin a night."""
        write_once(self.store, self.night_path(pin.date, "pin.json"), _PIN.dump_json(pin), lock)

    def write_part(self, date: str, part: Part, lock: StudyLock) -> None:
        """Note a part when it begins, and again once it is measured."""
        write_fenced(self.store, self.night_path(date, "parts", f"{part.number:03d}.json"), _PART.dump_json(part), lock)

    def write_night(self, night: Night, lock: StudyLock) -> None:
        """End a night, before it is decided on: what was measured never changes again."""
        write_once(self.store, self.night_path(night.date, "night.json"), night.to_json().encode(), lock)

    def write_decision(self, decision: Decision, lock: StudyLock) -> None:
        """Keep what a night says."""
        path = self.night_path(decision.date, "decision.json")
        write_fenced(self.store, path, decision.to_json().encode(), lock)

    def write_acceptance(self, acceptance: Acceptance, lock: StudyLock) -> None:
        """Keep what a person accepted."""
        number = len(self.accepted()) + 1
        write_once(self.store, self.path("accepted", f"{number:04d}.json"), _ACCEPTANCE.dump_json(acceptance), lock)

    def read(self, *parts: str) -> bytes | None:
        """What a file below the folder holds; None if there is none."""
        return self._read(self.path(*parts))

    def write(self, content: bytes, lock: StudyLock, *parts: str) -> None:
        """Replace a file below the folder."""
        write_fenced(self.store, self.path(*parts), content, lock)

    def read_part(self, *parts: str) -> Part | None:
        """A part that is kept elsewhere than in a night."""
        content = self.read(*parts)
        return None if content is None else self._parsed(_PART.validate_json, content, "/".join(parts))

    def write_part_at(self, part: Part, lock: StudyLock, *parts: str) -> None:
        """Keep a part elsewhere than in a night."""
        self.write(_PART.dump_json(part), lock, *parts)

    def _read(self, path: str) -> bytes | None:
        try:
            return self.store.read(path)
        except FileNotFoundError:
            return None

    def _parsed(self, parse: Any, content: bytes, what: str) -> Any:
        try:
            return parse(content)
        except (ValidationError, ValueError) as error:
            where = self.store.locate(self.folder)
            raise StorageError(
                f"what is stored of {what} in {where} is damaged, or it was written by a later version of saddle: "
                f"{error}"
            ) from None


_PIN, _PART, _ACCEPTANCE = TypeAdapter(Pin), TypeAdapter(Part), TypeAdapter(Acceptance)
