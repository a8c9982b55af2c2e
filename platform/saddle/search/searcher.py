"""Tune's view of a study's proposals: a searcher that hands them out, a scheduler that stops early."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from saddle.trial.source import Proposal

FINISHED = Searcher.FINISHED


class StudySearcher(Searcher):
    """Hands Tune the next trial as the configuration of a slot; knows nothing of results, which the driver hears of."""

    def __init__(self, propose: Callable[[], Proposal | None], order: Callable[[Proposal], dict[str, Any]]) -> None:
        """`propose` gives the next trial or None; `order` turns it into what a slot is told."""
        super().__init__()
        self._propose = propose
        self._order = order

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        proposal = self._propose()
        return FINISHED if proposal is None else self._order(proposal)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: Tune doesn't say why a trial ended, the slot's last message does."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Optuna's storage and the ledger are the truth, there is no second copy."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, see `save`."""

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles what it is given, for a restore that never comes."""
        return {}


class EarlyStopper(FIFOScheduler):
    """Stops a trial when `hear` says so; trials otherwise run in the order they come."""

    def __init__(self, hear: Callable[[Trial, dict[str, Any]], bool]) -> None:
        super().__init__()
        self._hear = hear

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        decision: str = TrialScheduler.STOP if self._hear(trial, result) else TrialScheduler.CONTINUE
        return decision

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, see `StudySearcher.__getstate__`."""
        return {}
