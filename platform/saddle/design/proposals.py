"""An ablation's trials: every replicate once, seed by seed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from saddle.design.arm import Replicate
from saddle.errors import UserError
from saddle.search.proposals import Proposal
from saddle.store.entry import Entry


class AblationProposals:
    """`Proposals` of an ablation: the replicates that the ledger doesn't hold yet, in order."""

    def __init__(self, replicates: Sequence[Replicate], finished: Collection[str]) -> None:
        self.total: int | None = len(replicates)
        self.trouble: UserError | None = None
        self._todo = [r for r in replicates if r.key not in finished]

    def hurry(self) -> None:
        """Nothing: no call here waits."""

    def next(self) -> Proposal | None:
        if not self._todo:
            return None
        replicate = self._todo.pop(0)
        return Proposal(replicate.key, dict(replicate.arm.settings), replicate.seed, arm=replicate.arm.name)

    def report(self, key: str, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Never: every replicate of a comparison is trained to its end."""
        return False

    def finish(self, entry: Entry) -> None:
        """Nothing: the ledger alone says which replicates are done."""
