"""Optuna's storage in a database that may go away for a while: every operation waits for it and tries again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Sequence
from typing import Any, TypeVar

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from saddle.backoff import pause_after
from saddle.errors import StorageLost
from saddle.search import optuna_internals

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
GLANCE = 0.1
"""How long a wait may take to notice that somebody wants the run to end."""


class ConnectionLost(Exception):
    """The database did not answer; whether it did what it was asked to is unknown."""


def _repeatable(name: str) -> Any:
    """An operation that may be repeated unchanged: it reads, or sets a value that is then set already."""

    def operate(storage: PatientStorage, *arguments: Any, **named: Any) -> Any:
        return storage._patiently(lambda again: getattr(storage._storage, name)(*arguments, **named))

    return operate


class PatientStorage(BaseStorage):
    """Passes every operation to `storage`, which raises `ConnectionLost`, until it answers or `patience` seconds end.

    An operation whose answer was lost may have been done. Trying it again must not do it twice; that rests on there
    being one writer per study, so that everything new in the study was made here.
    """

    def __init__(
        self, storage: BaseStorage, name: str, patience: float, release: Callable[[], None] = lambda: None
    ) -> None:
        """`name` is what messages call the database, `release` gives its connections back."""
        self._storage = storage
        self._name = name
        self._patience = patience
        self._release = release
        self._hurried = False
        self._newest = -1  # the highest trial id seen; ids ascend

    def cancel_waits(self) -> None:
        """Wait no longer: somebody wants the run to end."""
        self._hurried = True

    def close(self) -> None:
        """Give the connections back."""
        self._release()

    def _patiently(self, operation: Callable[[bool], T]) -> T:
        """The result of `operation`, which gets whether an earlier attempt may have been successful already."""
        started, failures = time.monotonic(), 0
        while True:
            try:
                return operation(failures > 0)
            except ConnectionLost as error:
                waited = time.monotonic() - started
                if self._hurried or waited >= self._patience:
                    raise StorageLost(
                        f"{self._name} has not answered for {waited:.0f} s: {error}; no training is lost; run the "
                        "same command when the database is back"
                    ) from error
                if not failures:
                    logging.getLogger("saddle").warning(
                        "%s does not answer (%s); trying again for %g s", self._name, error, self._patience
                    )
                failures += 1
            self._wait(min(pause_after(failures, FIRST_PAUSE, LONGEST_PAUSE), self._patience - waited))

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._hurried and (remaining := until - time.monotonic()) > 0:
            time.sleep(min(remaining, GLANCE))

    set_trial_param = _repeatable("set_trial_param")
    set_trial_intermediate_value = _repeatable("set_trial_intermediate_value")
    set_trial_user_attr = _repeatable("set_trial_user_attr")
    set_trial_system_attr = _repeatable("set_trial_system_attr")
    get_trial = _repeatable("get_trial")
    get_trial_id_from_study_id_trial_number = _repeatable("get_trial_id_from_study_id_trial_number")
    # made by a lost attempt, a study is a duplicate, which `optuna.create_study(load_if_exists=True)` takes up
    create_new_study = _repeatable("create_new_study")
    set_study_user_attr = _repeatable("set_study_user_attr")
    set_study_system_attr = _repeatable("set_study_system_attr")
    get_study_id_from_name = _repeatable("get_study_id_from_name")
    get_study_name_from_id = _repeatable("get_study_name_from_id")
    get_study_directions = _repeatable("get_study_directions")
    get_study_user_attrs = _repeatable("get_study_user_attrs")
    get_study_system_attrs = _repeatable("get_study_system_attrs")
    get_all_studies = _repeatable("get_all_studies")

    def create_new_trial(self, study_id: int, template_trial: Any = None) -> int:
        if self._newest < 0:
            self.get_all_trials(study_id, deepcopy=False)

        def create(again: bool) -> int:
            if again:
                trials = self._storage.get_all_trials(study_id, deepcopy=False)
                if trials and optuna_internals.trial_id(trials[-1]) > self._newest:
                    return optuna_internals.trial_id(trials[-1])  # made by the attempt whose answer was lost
            return int(self._storage.create_new_trial(study_id, template_trial=template_trial))

        self._newest = max(self._newest, trial_id := self._patiently(create))
        return trial_id

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        def tell(again: bool) -> bool:
            try:
                changed = bool(self._storage.set_trial_state_values(trial_id, state, values))
            except UpdateFinishedTrialError:
                if not again or self._storage.get_trial(trial_id).state != state:
                    raise
                return True
            # a waiting trial that runs already was started by the attempt whose answer was lost
            return changed or (again and self._storage.get_trial(trial_id).state == state)

        return self._patiently(tell)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[Any]:
        trials: list[Any] = _repeatable("get_all_trials")(self, study_id, deepcopy=deepcopy, states=states)
        if trials:
            self._newest = max(self._newest, optuna_internals.trial_id(trials[-1]))
        return trials

    def delete_study(self, study_id: int) -> None:
        def delete(again: bool) -> None:
            try:
                self._storage.delete_study(study_id)
            except KeyError:
                if not again:
                    raise

        self._patiently(delete)

    def remove_session(self) -> None:
        self._storage.remove_session()
