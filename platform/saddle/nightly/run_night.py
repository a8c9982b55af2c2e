"""One night from its pin to its decision; killed at any moment and run again, it resumes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from saddle.errors import CouldNotRun
from saddle.nightly.bisect import Bisection, bisect
from saddle.nightly.decision.decision import ChangeRange, Decision
from saddle.nightly.decision.judge import judge
from saddle.nightly.decision.night import Code, Environment, Measurement, Night
from saddle.nightly.decision.plan import next_work
from saddle.nightly.decision.policy import Policy
from saddle.nightly.decision.work import Work
from saddle.nightly.fingerprints import code_id, is_sources
from saddle.nightly.storage import DIFF, NightlyStorage, Part, Pin
from saddle.nightly.tags import tag_part
from saddle.nightly.trainer import Trainer
from saddle.redaction import redact
from saddle.store.ownership.fence import StudyLock

HOUR = 3600.0


@dataclass(frozen=True)
class NightRunner:
    """Runs nights of one study; only for the holder of the nightly's `lock`."""

    storage: NightlyStorage
    policy: Policy
    trainer: Trainer
    lock: StudyLock
    hours: float | None
    """After which no more is trained of what a later night may do."""
    say: Callable[[str], None]

    def run(self, date: str, environment: Environment) -> Decision:
        """What the night says, from the storage if it is over; raises `CouldNotRun`.

        `environment` is what it runs with, unless it was begun with another one before.
        """
        decision = self.storage.decision(date)
        if decision is not None:
            return decision
        night = self.storage.night(date) or self._measure(self._pin(date, environment))
        decision = judge(self.storage.history(self.policy, before=date), night)
        if decision.kind == "unfinished":
            raise CouldNotRun(f"the night of {date} did not measure everything that it needs")
        if self.storage.night(date) is None:
            self.storage.write_night(night, self.lock)
        self.bisect(decision)
        self.storage.write_decision(decision, self.lock)
        self._tag(decision)
        return decision

    def _pin(self, date: str, environment: Environment) -> Pin:
        pin = self.storage.pin(date)
        if pin is None:
            self._keep_difference(date, environment.code)
            pin = Pin(date, environment, time.time())
            self.storage.write_pin(pin, self.lock)
        return pin

    def _keep_difference(self, date: str, code: Code) -> None:
        """Keep what was not committed, for people to read; without what looks secret in it."""
        if code.dirty and self.trainer.worktrees is not None:
            text = redact(self.trainer.worktrees.repository.difference(code))
            self.storage.write(text.encode(), self.lock, "nights", date, DIFF)

    def _measure(self, pin: Pin) -> Night:
        """Train all that the night asks for, part by part."""
        history = self.storage.history(self.policy, before=pin.date)
        night = Night(pin.date, pin.environment)
        for part in self.storage.parts(pin.date):
            night = _with_part(night, part)
        began = time.monotonic()
        while (work := next_work(history, night)) is not None:
            hours_left = None if self.hours is None else self.hours - (time.monotonic() - began) / HOUR
            if not work.required and hours_left is not None and hours_left <= 0:
                break
            measured = len(night.measurements)
            night = _with_part(night, self._train(pin.date, work, None if work.required else hours_left))
            if len(night.measurements) == measured:
                break
        return night

    def _train(self, date: str, work: Work, hours: float | None) -> Part:
        self.say(f"{date}: {work.why} ({len(work.replicates)} trials with {work.code})")
        seeds = tuple(dict.fromkeys(replicate.seed for replicate in work.replicates))
        part = self._open_part(date, work.code, work.purpose, seeds)
        trained = self.trainer.train(part, work.code, work.replicates, work.purpose, hours)
        part = replace(part, instance=trained.run.instance, measurements=trained.measurements, data=trained.data)
        self.storage.write_part(date, part, self.lock)
        return part

    def _open_part(self, date: str, code: Code, purpose: str, seeds: tuple[int, ...]) -> Part:
        """The part that a killed process had begun, or a new one; in a night all but the last are done."""
        self._require(code)
        parts = self.storage.parts(date)
        last = parts[-1] if parts else None
        if (
            last is not None
            and not last.is_done
            and (last.commit, last.purpose, last.seeds) == (code_id(code), purpose, seeds)
        ):
            return last
        number = len(parts) + 1 if last is None or last.is_done else last.number
        part = Part(number, purpose, code_id(code), seeds, self.trainer.current_instance())
        self.storage.write_part(date, part, self.lock)
        return part

    def _require(self, code: Code) -> None:
        """Raise `CouldNotRun` for another code than the present one if there is no repository to take it from."""
        if self.trainer.worktrees is None and (not is_sources(code) or code != self.trainer.code):
            raise CouldNotRun(
                f"{code} is needed for training, and only {self.trainer.code} is installed; install it again, or keep "
                "the code in a git repository, where every commit is available"
            )

    def bisect(self, decision: Decision) -> None:
        """Look for the commit that changed the numbers, once for each change; not to find it is not an error."""
        change, worktrees = decision.change, self.trainer.worktrees
        if change is None or worktrees is None or not ("code" in change.what and change.witness):
            return
        if read_bisection(self.storage, change) is None:
            self.say(f"{decision.date}: looking for the commit between {change.commits[0]} and {change.commits[1]}")
            # a change that came on top of another one is compared with that one, and not with the references
            earlier = [each for _, each in self.storage.decisions() if each.environment.code == change.before.code]
            as_references = all(each.change is None for each in earlier)
            bisection = bisect(change, worktrees.repository, self._measure_code, from_references=as_references)
            write_bisection(self.storage, change, bisection, self.lock)
            self.say(f"{decision.date}: {bisection.sentence}")

    def _measure_code(self, code: Code, seed: int) -> tuple[Measurement, ...] | None:
        """Every arm with a code and a seed, kept for later; None if that code can't be run."""
        path = ("bisect", "codes", f"{code_id(code)}-s{seed}.json")
        part = self.storage.read_part(*path)
        if part is None or not part.is_done:
            part = part or Part(0, "bisect", code_id(code), (seed,), self.trainer.current_instance())
            self.storage.write_part_at(part, self.lock, *path)
            try:
                trained = self.trainer.train(part, code, self.policy.replicates((seed,)), "rotation")
            except CouldNotRun as error:
                self.say(f"{code}: {error}")
                return None
            part = replace(part, instance=trained.run.instance, measurements=trained.measurements)
            self.storage.write_part_at(part, self.lock, *path)
        return part.measurements

    def _tag(self, decision: Decision) -> None:
        """Let MLflow say of every run of the night what the night came to."""
        for part in self.storage.parts(decision.date):
            tag_part(self.storage, part, decision, read_bisection(self.storage, decision.change))


def _with_part(night: Night, part: Part) -> Night:
    if not part.is_done:
        return night
    data = part.data or night.environment.data
    return replace(night, environment=replace(night.environment, data=data)).with_measurements(part.measurements)


def bisection_path(change: ChangeRange) -> tuple[str, ...]:
    """The path of the record that names the commit of a change."""
    before, after = change.commits
    return ("bisect", f"{before.commit[:12]}-{code_id(after)}.json")


def read_bisection(storage: NightlyStorage, change: ChangeRange | None) -> Bisection | None:
    """Which commit a change came with; None if it has not been looked for yet."""
    content = None if change is None else storage.read(*bisection_path(change))
    return None if content is None else Bisection.from_json(content)


def write_bisection(storage: NightlyStorage, change: ChangeRange, bisection: Bisection, lock: StudyLock) -> None:
    """Keep which commit a change came with."""
    storage.write(bisection.to_json(), lock, *bisection_path(change))
