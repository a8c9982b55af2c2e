"""A search whose storage may be lost permanently while trials run: those may end, and no new ones start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from saddle.errors import StorageLost, UserError
from saddle.search.optuna_search import OptunaSearch
from saddle.trial.record import TrialRecord
from saddle.trial.spec import TrialSpec

T = TypeVar("T")


class FaultTolerantSource:
    """`TrialSource` of a search in a shared database; what it misses is sent the next time."""

    def __init__(self, search: OptunaSearch) -> None:
        self._search = search
        self._total = search.total
        self.trouble: UserError | None = None
        self.machine: str | None = None

    @property
    def total(self) -> int | None:
        return self._total

    def cancel_waits(self) -> None:
        self._search.cancel_waits()

    def next(self) -> TrialSpec | None:
        return self._unless_lost(self._search.next, None)

    def report(self, key: str, epoch: int, metrics: Mapping[str, float]) -> bool:
        return self._unless_lost(lambda: self._search.report(key, epoch, metrics), False)

    def finish(self, entry: TrialRecord) -> None:
        self._unless_lost(lambda: self._search.finish(entry), None)

    def _unless_lost(self, operation: Callable[[], T], otherwise: T) -> T:
        if self.trouble is not None:
            return otherwise
        try:
            return operation()
        except StorageLost as error:
            self.trouble = error
            return otherwise
