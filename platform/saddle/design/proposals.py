"""An ablation's trials: every replicate once, seed by seed, unless its race is settled without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from saddle.design.arm import Replicate
from saddle.design.blocks import MACHINE, settings_of
from saddle.errors import UserError
from saddle.search.proposals import Proposal
from saddle.store.entry import Entry

Needs = Callable[[Replicate], bool]


class AblationProposals:
    """`Proposals` of an ablation: the replicates that the ledger doesn't hold yet, in order."""

    def __init__(
        self,
        replicates: Sequence[Replicate],
        finished: Mapping[str, Entry],
        judge: Callable[[Sequence[Entry]], Needs] | None = None,
    ) -> None:
        """`judge` says from the finished trials which replicates still matter; without it all of them do."""
        self.trouble: UserError | None = None
        self.machine: str | None = None
        """The kind of machine whose replicates are proposed now; None where they may run anywhere."""
        self._finished = dict(finished)
        self._todo = [r for r in replicates if r.key not in finished]
        self._count = len(replicates)
        self._judge = judge
        self._drop_needless()

    @property
    def total(self) -> int | None:
        return self._count

    @property
    def machines(self) -> list[str | None]:
        """The kinds of machines that replicates still wait for; only None where machines are no blocks."""
        return list(dict.fromkeys(replicate.block.get(MACHINE) for replicate in self._todo))

    def hurry(self) -> None:
        """Nothing: no call here waits."""

    def next(self) -> Proposal | None:
        place = next((i for i, one in enumerate(self._todo) if one.block.get(MACHINE) == self.machine), None)
        if place is None:
            return None
        replicate = self._todo.pop(place)
        settings = {**replicate.arm.settings, **settings_of(replicate.block)}
        return Proposal(replicate.key, settings, replicate.seed, arm=replicate.arm.name, block=dict(replicate.block))

    def report(self, key: str, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Never: every replicate of a comparison is trained to its end."""
        return False

    def finish(self, entry: Entry) -> None:
        self._finished[entry.key] = entry
        self._drop_needless()

    def _drop_needless(self) -> None:
        if self._judge is None or not self._todo:
            return
        needs = self._judge(list(self._finished.values()))
        kept = [replicate for replicate in self._todo if needs(replicate)]
        self._count -= len(self._todo) - len(kept)
        self._todo = kept
