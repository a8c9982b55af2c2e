"""An ablation's trials: every replicate once, seed by seed, unless its race is settled without it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from saddle.design.arm import Replicate
from saddle.design.blocks import MACHINE, settings_of
from saddle.errors import UserError
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec

Needs = Callable[[Replicate], bool]

FIRST_LOOK = 3
"""No race is decided with fewer seeds, so these are trained in one go."""


class AblationSource:
    """`TrialSource` of an ablation: the replicates that the ledger doesn't hold yet, in order."""

    def __init__(
        self,
        run: RunId,
        replicates: Sequence[Replicate],
        finished: Mapping[str, TrialRecord],
        judge: Callable[[Sequence[TrialRecord]], Needs] | None = None,
    ) -> None:
        """`judge` says from the finished trials which replicates still matter; without it all of them do."""
        self.trouble: UserError | None = None
        self.machine: str | None = None
        """The kind of machine whose replicates are proposed now; None if they may run anywhere."""
        self._run = run
        self._seeds = list(dict.fromkeys(replicate.seed for replicate in replicates))
        self._turn = set(self._seeds)
        self._finished = dict(finished)
        self._todo = [r for r in replicates if r.key not in finished]
        self._count = len(replicates)
        self._judge = judge
        self._drop_needless()

    @property
    def total(self) -> int | None:
        return self._count

    def legs(self, slots: int) -> Iterator[str | None]:
        """The kinds of machines to run on, one after the other, until nothing is left; None alone where any will do.

        In a race they take turns, since a seed is looked at when every kind has trained it: each turn is as many seeds
        as keep `slots` trials busy, so that few are trained of an arm that the other kinds' trials settle.
        """
        while self._todo:
            before = len(self._todo)
            self._turn = self._next_turn(slots)
            for machine in _kinds(self._waiting()):
                if machine not in _kinds(self._waiting()):  # the race is settled without it
                    continue
                self.machine = machine
                yield machine
            if len(self._todo) == before:  # no proposal is taken
                return

    def _next_turn(self, slots: int) -> set[int]:
        """The seeds of the next turn, and all before them."""
        if self._judge is None or _kinds(self._todo) == [None]:
            return set(self._seeds)
        first = min(self._seeds.index(replicate.seed) for replicate in self._todo)
        of_kinds = Counter(
            replicate.block.get(MACHINE) for replicate in self._todo if replicate.seed == self._seeds[first]
        )
        last = first + math.ceil(slots / max(of_kinds.values()))
        return set(self._seeds[: max(FIRST_LOOK, last)])

    def _waiting(self) -> Iterator[Replicate]:
        return (replicate for replicate in self._todo if replicate.seed in self._turn)

    def cancel_waits(self) -> None:
        """Nothing: no call here waits."""

    def next(self) -> TrialSpec | None:
        replicate = next((waiting for waiting in self._waiting() if waiting.block.get(MACHINE) == self.machine), None)
        if replicate is None:
            return None
        self._todo.remove(replicate)
        settings = {**replicate.arm.settings, **settings_of(replicate.block)}
        return TrialSpec(replicate.key, self._run, settings, replicate.seed, replicate.arm.name, dict(replicate.block))

    def report(self, key: str, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Never: every replicate of a comparison is trained to its end."""
        return False

    def finish(self, entry: TrialRecord) -> None:
        self._finished[entry.key] = entry
        self._drop_needless()

    def _drop_needless(self) -> None:
        if self._judge is None or not self._todo:
            return
        needs = self._judge(list(self._finished.values()))
        remaining = [replicate for replicate in self._todo if needs(replicate)]
        self._count -= len(self._todo) - len(remaining)
        self._todo = remaining


def _kinds(replicates: Iterable[Replicate]) -> list[str | None]:
    """The kinds of machines that they run on."""
    return list(dict.fromkeys(replicate.block.get(MACHINE) for replicate in replicates))
