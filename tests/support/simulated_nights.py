"""Nights with a known truth, run through the code that decides: a machine that trains what it is asked to.

A version of the code gives every replicate its own value, normal about the version's level; versions that share
their noise are the same program.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from saddle.nightly.decision.decision import Decision
from saddle.nightly.decision.history import History
from saddle.nightly.decision.night import Code, Environment, Measurement, Night, Replicate
from saddle.nightly.decision.plan import next_work
from saddle.nightly.decision.policy import Policy, Watched
from saddle.nightly.decision.work import Work

ROBUST, CLEAN = "test/robust_accuracy.worst_case", "test/clean_accuracy"
POLICY = Policy(("sta", "mp"), (Watched(ROBUST, "maximize"), Watched(CLEAN, "maximize")))
ONE = Policy(("mp",), (Watched(ROBUST, "maximize"),))
LEVEL, SPREAD = 0.6, 0.01


@dataclass(frozen=True)
class Version:
    """A program: `noise` distinguishes it from others; `shift` is added to every watched metric of `arms`, or of all.

    `failing`: the outcome of the replicates that fail with it.
    """

    noise: int
    shift: float = 0.0
    arms: tuple[str, ...] = ()
    failing: Mapping[Replicate, str] = field(default_factory=dict)


@dataclass
class Machine:
    """Trains as a deterministic machine, or with fresh noise each time; records what it was asked to train.

    `versions`: the program of each commit.
    """

    policy: Policy
    versions: dict[str, Version]
    spread: float = SPREAD
    seed: int = 0
    reproducible: bool = True
    asked: list[Work] = field(default_factory=list)
    _drawn: dict[tuple[int, Replicate], np.ndarray] = field(default_factory=dict)

    def train(self, work: Work) -> list[Measurement]:
        """The measurements of the work."""
        self.asked.append(work)
        return [self.measure(each, work) for each in work.replicates]

    def measure(self, replicate: Replicate, work: Work) -> Measurement:
        version = self.versions[work.code.commit]
        outcome = version.failing.get(replicate)
        if outcome:
            return Measurement(*replicate, {}, outcome, work.purpose)
        shift = version.shift if not version.arms or replicate.arm in version.arms else 0.0
        noise = self.noise(version.noise, replicate, work)
        metrics = {
            each.metric: float(LEVEL + shift + self.spread * value)
            for each, value in zip(self.policy.watched, noise, strict=True)
        }
        return Measurement(*replicate, metrics, purpose=work.purpose)

    def noise(self, version: int, replicate: Replicate, work: Work) -> np.ndarray:
        key = version, replicate
        fresh = not self.reproducible and work.purpose != "canary"
        if key not in self._drawn or fresh:
            parts = [self.seed, version, replicate.seed, *replicate.arm.encode(), len(self.asked) if fresh else 0]
            self._drawn[key] = np.random.default_rng(parts).standard_normal(len(self.policy.watched))
        return self._drawn[key]


def environment_of(commit: str, data: str = "data", environment: str = "env", machine: str = "cpu") -> Environment:
    return Environment(Code(commit), data, environment, machine)


def date_of(number: int) -> str:
    """The date of a night, counted from 0."""
    return f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}"


def run_night(
    history: History,
    machine: Machine,
    environment: Environment,
    date: str | None = None,
    time_for: Callable[[Work], Work] = lambda work: work,
) -> History:
    """The history with a night that trained everything it was asked to, or as much as there was `time_for`."""
    night = Night(date or date_of(len(history.nights)), environment)
    while (work := next_work(history, night)) is not None:
        affordable = time_for(work)
        night = night.with_measurements(machine.train(affordable))
        if affordable != work:
            break
    return history.with_night(night)


def run_nights(history: History, machine: Machine, commits: Sequence[str]) -> History:
    for commit in commits:
        history = run_night(history, machine, environment_of(commit))
    return history


def decided(history: History) -> list[tuple[str, int]]:
    """Kind and exit code of every night."""
    return [(decision.kind, decision.exit_code) for decision in history.decisions]


def last(history: History) -> Decision:
    return history.decisions[-1]


def only(count: int) -> Callable[[Work], Work]:
    """Time for so many replicates of the pool a night."""
    return lambda work: replace(work, replicates=work.replicates[:count]) if work.purpose == "pool" else work
