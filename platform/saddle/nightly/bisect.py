"""Which commit changed the numbers: one seed, trained with the commit in the middle of those that may have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from saddle.nightly.decision.decision import ChangeRange, Difference
from saddle.nightly.decision.night import Code, Measurement
from saddle.nightly.git import Repository

Measure = Callable[[Code, int], "Sequence[Measurement] | None"]
"""What every arm measures with a code and a seed; None if that code can't be run."""


@dataclass(frozen=True)
class Suspect:
    """A code that may have changed the numbers, as a page names it."""

    code: Code
    subject: str
    author: str = ""

    def __str__(self) -> str:
        """`3f2a91c0de: Use a smaller step (Ada)`."""
        by = f" ({self.author})" if self.author else ""
        return f"{self.code}: {self.subject}{by}"


@dataclass(frozen=True)
class Bisection:
    """The first suspects: one where a single code changed the numbers, several where those between can't be run.

    `tried` are the codes that were trained, `skipped` those that could not be; `why` says why there are no suspects.
    """

    suspects: tuple[Suspect, ...]
    tried: tuple[Code, ...] = ()
    skipped: tuple[Code, ...] = ()
    why: str = ""

    @property
    def sentence(self) -> str:
        """What it came to, for people."""
        if not self.suspects:
            return self.why
        trials = f"one seed trained with {len(self.tried)} commit{'s' * (len(self.tried) != 1)}"
        if len(self.suspects) == 1:
            return f"The change came with {self.suspects[0]} ({trials})."
        names = "; ".join(map(str, self.suspects))
        why = f"; {len(self.skipped)} could not be run" if self.skipped else ""
        return f"The change came with one of: {names} ({trials}{why})."

    def to_json(self) -> bytes:
        """The bisection as JSON."""
        return _BISECTION.dump_json(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Bisection:
        """The bisection that `to_json` wrote."""
        return _BISECTION.validate_json(text)


_BISECTION = TypeAdapter(Bisection)


def suspects_of(change: ChangeRange, repository: Repository) -> list[Suspect]:
    """Every code between the last that was as before and the first that differs, oldest first, that one included."""
    before, after = change.commits
    commits = repository.between(before.commit, after.commit) if before.commit != after.commit else []
    suspects = [Suspect(Code(commit.id), commit.subject, commit.author) for commit in commits]
    return [*suspects, Suspect(after, "uncommitted changes")] if after.dirty else suspects


def bisect(change: ChangeRange, repository: Repository, measure: Measure, *, from_references: bool = True) -> Bisection:
    """The code that the change came with, by halving; the last suspect is known to differ and isn't trained again.

    Unless the code before gives the references' numbers (`from_references`), it is trained, too, to compare with.
    """
    suspects = suspects_of(change, repository)
    witness = change.witness
    if not suspects or witness is None:
        before, after = change.commits
        return Bisection((), why=f"{before} is not an ancestor of {after}, so no commit can be named.")
    expected = [each for each in change.differences if each.replicate.seed == witness.seed]
    if not from_references and len(suspects) > 1:
        as_before = measure(change.before.code, witness.seed)
        if as_before is None:
            return Bisection(tuple(suspects), why=f"{change.before.code} can't be run for comparison.")
        expected = [
            Difference(each.replicate, name, value, None) for each in as_before for name, value in each.metrics.items()
        ]
    tried: list[Code] = []
    skipped: set[int] = set()
    low, high = -1, len(suspects) - 1
    while (place := _middle(low, high, skipped)) is not None:
        measured = measure(suspects[place].code, witness.seed)
        if measured is None:
            skipped.add(place)
            continue
        tried.append(suspects[place].code)
        if is_changed(expected, measured):
            high = place
        else:
            low = place
    return Bisection(
        tuple(suspects[low + 1 : high + 1]), tuple(tried), tuple(suspects[place].code for place in sorted(skipped))
    )


def _middle(low: int, high: int, skipped: set[int]) -> int | None:
    """The place nearest to the middle between the last unchanged and the first changed one that can be tried."""
    places = [place for place in range(low + 1, high) if place not in skipped]
    return min(places, key=lambda place: abs(place - (low + high) / 2), default=None)


def is_changed(expected: Sequence[Difference], measured: Sequence[Measurement]) -> bool:
    """Whether any value that differed is not what it was before the change."""
    by_replicate = {each.replicate: each for each in measured}
    return any(_value(by_replicate.get(each.replicate), each) != each.reference for each in expected)


def _value(measurement: Measurement | None, difference: Difference) -> float | str | None:
    if measurement is None:
        return None
    return measurement.outcome if difference.metric == "outcome" else measurement.metrics.get(difference.metric)
