"""How a night is classified, and the exit code that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter

from saddle.nightly.decision.night import Code, Environment, Replicate

Kind = Literal[
    "unfinished", "filling", "unchanged", "changed", "not settled", "superseded", "no worse", "worse"
]  # fmt: skip

EXIT_CODES: dict[Kind, int] = {
    "unfinished": 3,
    "filling": 0,
    "unchanged": 0,
    "changed": 4,
    "not settled": 4,
    "superseded": 4,
    "no worse": 0,
    "worse": 1,
}


FAILURES = "failures"
"""Used as the metric of an effect on the share of replicates that fail."""


@dataclass(frozen=True)
class Difference:
    """One value that is not what it was; None if a metric was not reported; outcomes where these differ."""

    replicate: Replicate
    metric: str
    reference: float | str | None
    tonight: float | str | None


@dataclass(frozen=True)
class ChangeRange:
    """Between which nights something changed, and what fingerprints say did: `code`, `data`, or nothing they show."""

    first_night: str
    """The date of the first night that differed; by the rule `cusum`, of that on which the sum began to rise."""
    before: Environment
    """Of the last night that did not."""
    after: Environment
    what: tuple[str, ...]
    differences: tuple[Difference, ...] = ()
    """Those that the first night's repeated seeds showed."""

    @property
    def commits(self) -> tuple[Code, Code]:
        """The last code known to be as before, and the first known to differ."""
        return self.before.code, self.after.code

    @property
    def needs_bisection(self) -> bool:
        """Whether commits can explain the change: the code differs, and not only by uncommitted changes."""
        return "code" in self.what and self.before.code.commit != self.after.code.commit

    @property
    def witness(self) -> Replicate | None:
        """The replicate to bisect with: one that differs."""
        return self.differences[0].replicate if self.differences else None


@dataclass(frozen=True)
class MetricEffect:
    """The mean change of a metric of an arm, positive where the metric rose, over `seeds` pairs.

    `interval` is the repeated confidence interval, simultaneous over arms and metrics; None if nothing varies.
    `failed`: how many of the references and of tonight's replicates failed, each counted at the worst value seen.
    `cusum`: by that rule, the sum that alarms beyond its limit; `mean` and `seeds` are of this night alone then.
    """

    arm: str
    metric: str
    seeds: int
    mean: float
    interval: tuple[float, float] | None
    is_worse: bool
    failed: tuple[int, int] = (0, 0)
    cusum: float | None = None


@dataclass(frozen=True)
class Decision:
    """What one night says.

    `change`: the one that is judged. `superseded`: an earlier one that was never settled. `reverted`: one that is
    gone.
    `is_news`: whether the night before said something else, so that somebody should be told.
    """

    kind: Kind
    date: str
    environment: Environment
    change: ChangeRange | None = None
    superseded: ChangeRange | None = None
    reverted: ChangeRange | None = None
    effects: tuple[MetricEffect, ...] = ()
    seeds: int = 0
    """Compared so far, in each arm."""
    references: int = 0
    """Replicates in the pool, of `pool` in all."""
    pool: int = 0
    accepted: bool = False
    """Whether the references moved to the code that was judged."""
    begun_again: bool = False
    """Whether the pool is filled from its beginning, as its code or data are gone."""
    is_news: bool = False

    @property
    def exit_code(self) -> int:
        """0 unchanged or no worse, 1 worse, 3 could not run, 4 changed and not yet settled."""
        return EXIT_CODES[self.kind]

    def to_json(self) -> str:
        """The decision as JSON."""
        return _DECISION.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Decision:
        """The decision that `to_json` wrote."""
        return _DECISION.validate_json(text)


_DECISION = TypeAdapter(Decision)
