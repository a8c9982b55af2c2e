"""A nightly's nights as a user asks for them: run one, accept one, look for the commit of one."""

from __future__ import annotations

import contextlib
import getpass
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from saddle.errors import CouldNotRun, NightsOverlap, UserError
from saddle.nightly.bisect import Bisection
from saddle.nightly.dates import date_now, due_dates, end_of, parse_date
from saddle.nightly.decision.decision import Decision
from saddle.nightly.decision.night import Code, Environment
from saddle.nightly.fingerprints import code_of, environment_now, repository_of
from saddle.nightly.pages.publish import publish
from saddle.nightly.policy_of_study import policy_of, section
from saddle.nightly.run_night import NightRunner, read_bisection
from saddle.nightly.storage import STUDY, NightlyStorage
from saddle.nightly.text import message
from saddle.nightly.trainer import Trainer
from saddle.nightly.trouble import forget_trouble, note_trouble
from saddle.nightly.worktree import Worktrees
from saddle.store.base import Store
from saddle.store.ownership.fence import StudyLock
from saddle.store.ownership.lock import driver_of, lock_study
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import dump_study, parse_studies, refused_differences
from saddle.track.notification import notify

POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Options:
    """How to run nights: `arguments` are those of `saddle run` that say where; `say` is called with the progress."""

    arguments: Sequence[str] = ()
    say: Callable[[str], None] = lambda line: None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True)
class Nightly:
    """One study with a `nightly` in one storage."""

    study: Study
    store: Store
    options: Options = field(default_factory=Options)

    @property
    def storage(self) -> NightlyStorage:
        """Where its nights are stored."""
        return NightlyStorage(self.store, self.study.study)

    def run(self, date: str | None = None) -> Decision:
        """Run the night of a date, today's without one, and those before it that are due; what the last one says.

        A night that is over is not run again. Raises `CouldNotRun`, which is noted and notified, and `UserError`.
        """
        timezone = section(self.study).timezone
        wanted = date_now(timezone) if date is None else parse_date(date, timezone)
        with self._alone() as lock:
            self._keep_study(lock)
            self._check_order(wanted)
            finished = [night for night in self.storage.dates() if self.storage.night(night) is not None]
            dates = due_dates(self.storage.dates(), finished, wanted, section(self.study).missed)
            decisions = [self._run_night(each, lock, now=each == wanted) for each in dates]
        return decisions[-1]

    def fill(self) -> Decision:
        """Run tonight's night until the pool of references is full, however long that takes."""
        without_limit = self.study.budget.model_copy(update={"hours": None})
        filling = Nightly(self.study.model_copy(update={"budget": without_limit}), self.store, self.options)
        return filling.run()

    def accept(self, night: str, why: str) -> Decision | None:
        """Let what a night measured be the references from now on; returns its decision. Raises `UserError`."""
        if not why.strip():
            raise UserError("--why is empty; give the reason for accepting the change, for readers of the history")
        with self._alone() as lock:
            if self.storage.night(night) is None:
                latest = ", ".join(self.storage.dates()[-5:]) or "none yet"
                raise UserError(f"there is no finished night {night} of {self.study.study}; the latest are: {latest}")
            history = self.storage.history(policy_of(self.study, load_trainable(self.study.source)))
            self.storage.write_acceptance(history.accept(night, why, _user()).accepted[-1], lock)
            self._publish(lock)
        return self.storage.decision(night)

    def bisect(self, night: str | None = None) -> Bisection | None:
        """Which commit the change of a night, the latest one that has any, came with; None if nothing changed."""
        with self._alone() as lock:
            decisions = dict(self.storage.decisions())
            changed = [date for date, decision in decisions.items() if decision.change is not None]
            if night is not None and night not in decisions:
                raise UserError(f"there is no finished night {night} of {self.study.study}")
            date = night or (changed[-1] if changed else None)
            if date is None or decisions[date].change is None:
                return None
            self._runner(lock).bisect(decisions[date])
            self._publish(lock)
            return read_bisection(self.storage, decisions[date].change)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[StudyLock]:
        """Be the one process that runs this nightly; waits for another, or raises `NightsOverlap`, as its file says."""
        while (driver := driver_of(self.store, self.storage.run)) is not None:
            who = f"process {driver.process}" + (f" on {driver.host}" if driver.host else "")
            if section(self.study).overlap == "skip":
                raise NightsOverlap(f"{who} is running {self.study.study}; with overlap: skip this night is left out")
            time.sleep(POLL_SECONDS)
        with lock_study(self.store, self.storage.run) as lock:
            yield lock

    def _keep_study(self, lock: StudyLock) -> None:
        """Store the study with the first night; raises `UserError` if its arms or settings have changed since."""
        content = self.storage.read(STUDY)
        if content is not None:
            [stored] = parse_studies(content, self.store.locate(self.storage.path(STUDY)), stored=True)
            changes = refused_differences(_without_seeds(stored), _without_seeds(self.study))
            if changes:
                listed = "\n".join(f"  {change}" for change in changes)
                raise UserError(
                    f"the nights of {self.study.study} were begun with different settings:\n{listed}\nThey can't be "
                    "compared. Give the study another name to begin a new history."
                )
        self.storage.write(dump_study(self.study).encode(), lock, STUDY)

    def _check_order(self, wanted: str) -> None:
        """Raise `UserError` for a new night before the latest one: each is compared with those before it."""
        dates = self.storage.dates()
        if dates and wanted < dates[-1] and wanted not in dates:
            raise UserError(f"{self.study.study} has run the night of {dates[-1]}; an earlier one can't be added")

    def _runner(self, lock: StudyLock) -> NightRunner:
        trainable = load_trainable(self.study.source)
        repository = repository_of(trainable)
        worktrees = None if repository is None else Worktrees.of(repository, f"{self.store.url}\n{self.study.study}")
        options, code = self.options, code_of(trainable, repository)
        trainer = Trainer(
            self.study, trainable, self.store, worktrees, code, options.arguments, options.say, options.environment
        )
        hours = self.study.budget.hours
        return NightRunner(self.storage, policy_of(self.study, trainable), trainer, lock, hours, options.say)

    def _environment(self, runner: NightRunner, date: str, *, now: bool) -> Environment:
        """What the night runs with: the present code, or for a past date the code of that date."""
        code: Code = runner.trainer.code
        if not now and runner.trainer.worktrees is not None:
            code = runner.trainer.worktrees.repository.code_before(end_of(date, section(self.study).timezone))
        return environment_now(self.study, code)

    def _run_night(self, date: str, lock: StudyLock, *, now: bool) -> Decision:
        try:
            runner = self._runner(lock)
            decision = runner.run(date, self._environment(runner, date, now=now))
        except UserError as error:
            if error.exit_code == CouldNotRun.exit_code and not lock.lost:
                note_trouble(self.storage, date, str(error), lock)
                self._publish(lock)
                self._tell(date, f"⚪ {self.study.study}, {date}: could not run: {error}", lock, again=True)
            raise
        forget_trouble(self.storage, date)
        page = self._publish(lock)
        if decision.is_news:
            text = message(self.study.study, decision, read_bisection(self.storage, decision.change), page)
            self._tell(date, text, lock)
        return decision

    def _publish(self, lock: StudyLock) -> str:
        return publish(self.storage, self.study, lock)

    def _tell(self, date: str, text: str, lock: StudyLock, *, again: bool = False) -> None:
        """Notify every channel that has not been notified of the night yet."""
        path = ("nights", date, "notified.txt")
        notified = [] if again else (self.storage.read(*path) or b"").decode().splitlines()
        channels = [channel for channel in section(self.study).notify if channel.name not in notified]
        delivered, problems = notify(channels, text, self.options.environment)
        if delivered and not again:
            self.storage.write("\n".join([*notified, *delivered]).encode(), lock, *path)
        for problem in problems:
            self.options.say(problem)


def _without_seeds(study: Study) -> Study:
    """The part of the study that all its nights share; each night states its own seeds."""
    assert study.ablation is not None
    ablation = study.ablation.model_copy(update={"seeds": study.ablation.seed_list[:1]})
    return study.model_copy(update={"ablation": ablation})


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""
