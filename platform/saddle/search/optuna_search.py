"""A search: Optuna proposes trials and gets their values; its storage is the truth about which trials there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from saddle.errors import UserError
from saddle.search.distinct_settings import (
    draw_settings,
    grid_size,
    order_by_condition,
    planned_trials,
    values_of,
)
from saddle.search.lattice import nearest_step
from saddle.search.optuna_internals import live_trial
from saddle.search.optuna_values import final_values, intermediate_values, is_reported, reported_value, violations
from saddle.search.pruners import make_pruner
from saddle.search.retrying_storage import PatientStorage
from saddle.search.samplers import continued_seed, make_sampler
from saddle.search.storage import quiet_optuna, without_warnings
from saddle.study.known_values import known_values
from saddle.study.models import Study
from saddle.study.seeds import SEARCH_SEED
from saddle.study.space import Parameter
from saddle.study.values import canonical
from saddle.trial.outcome import MEANINGS, Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec

SETTINGS = "settings"
RETRIED = "retried"
OUTCOME = "outcome"

REPEATS = 10
"""How often in a row a sampler may propose settings that have had their trial before others are drawn at random."""

DRAWS = 10_000
"""How many such draws may be repeats before the search counts as through: of 1,000 settings the last one is missed in
one of 20,000 searches."""


def trial_key(number: int) -> str:
    """The key of a search's trial; samplers may repeat a point, so the number is part of it."""
    return f"trial-{number:05d}"


def suggest(trial: Trial, name: str, parameter: Parameter) -> Any:
    """Draw one parameter."""
    if parameter.choice is not None:
        return trial.suggest_categorical(name, parameter.choice)
    if parameter.int_range is not None:
        first, last = parameter.int_range
        return trial.suggest_int(name, first, last, step=int(parameter.step or 1), log=parameter.log)
    low, high = parameter.bounds
    value = trial.suggest_float(name, low, high, step=parameter.step, log=parameter.log)
    # Optuna computes low + k · step in binary arithmetic, where 0.1 + 2 · 0.1 is 0.30000000000000004
    return value if parameter.step is None else nearest_step(value, low, parameter.step)


def open_search(study: Study, storage: BaseStorage, name: str) -> optuna.Study:
    """Optuna's study called `name`, made if it is missing; its sampler is not the study's yet."""
    return optuna.create_study(
        storage=storage,
        study_name=name,
        pruner=make_pruner(study.early_stopping),
        directions=[objective.direction for objective in study.objective or ()],
        load_if_exists=True,
    )


class OptunaSearch:
    """`TrialSource` of a search over Optuna's `storage`."""

    trouble: UserError | None = None
    machine: str | None = None

    @without_warnings()
    def __init__(
        self,
        study: Study,
        run: RunId,
        storage: BaseStorage,
        finished: Mapping[str, TrialRecord],
        known: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        """Open the study, called `name` in the storage, and reconcile it with the ledger's `finished` entries.

        `known` are the values, defaults included, that conditions on what isn't searched are judged by.
        """
        assert study.search is not None
        assert study.objective is not None
        quiet_optuna()
        self.study = study
        self.run = run
        self.known = known if known is not None else known_values(study)
        self.space = study.search
        self.objectives = study.objective
        self.optuna = open_search(study, storage, name or study.study)
        trials = len(self.optuna.get_trials(deepcopy=False))
        self.optuna.sampler = make_sampler(study.sampler, self.space, trials)
        self.storage = storage
        self._planned = planned_trials(study, self.known)
        self._values = values_of(study)
        self._proposed = Counter(canonical(trial.user_attrs[SETTINGS]) for trial in self._with_settings())
        self.running: dict[str, Trial] = {}
        self.unfinished = self._reconcile(finished)

    def _reconcile(self, finished: Mapping[str, TrialRecord]) -> list[FrozenTrial]:
        """Tell Optuna the results that only the ledger has; return the trials that neither saw end."""
        unfinished = []
        for frozen in self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            entry = finished.get(trial_key(frozen.number))
            if entry is not None:
                self.finish(entry)
            elif SETTINGS in frozen.user_attrs:
                unfinished.append(frozen)
            else:  # killed between asking and drawing its parameters: nothing was ever trained
                self.optuna.tell(frozen.number, state=TrialState.FAIL)
        return unfinished

    def cancel_waits(self) -> None:
        if isinstance(self.storage, PatientStorage):
            self.storage.cancel_waits()

    @property
    def total(self) -> int | None:
        return None if self._planned is None else self._planned + len(self._retried())

    def _retried(self) -> list[int]:
        """The numbers of the trials whose settings are tried once more."""
        numbers: list[int] = self.optuna.user_attrs.get(RETRIED, [])
        return numbers

    def _with_settings(self) -> list[FrozenTrial]:
        """The trials that were ever trained, or are to be; the others count for nothing."""
        return [trial for trial in self.optuna.get_trials(deepcopy=False) if SETTINGS in trial.user_attrs]

    @without_warnings()
    def retry(self, entries: Sequence[TrialRecord]) -> None:
        """Try the settings of these trials once more, as new trials beyond the budget; once per trial."""
        retried = self._retried()
        for entry in entries:
            if entry.number is not None and entry.number not in retried:
                retried = [*retried, entry.number]
                self.optuna.enqueue_trial(dict(entry.settings))
                self.optuna.set_user_attr(RETRIED, retried)

    @without_warnings()
    def next(self) -> TrialSpec | None:
        if self.unfinished:
            frozen = self.unfinished.pop(0)
            trial, settings = live_trial(self.optuna, frozen), frozen.user_attrs[SETTINGS]
        else:
            if self.total is not None and len(self._with_settings()) >= self.total:
                return None
            proposal = self._propose()
            if proposal is None:
                return None
            trial, settings = proposal
            trial.set_user_attr(SETTINGS, settings)
            self._proposed[canonical(settings)] += 1
        key = trial_key(trial.number)
        self.running[key] = trial
        return TrialSpec(key, self.run, settings, SEARCH_SEED, number=trial.number)

    def _propose(self) -> tuple[Trial, dict[str, Any]] | None:
        """The sampler's next trial whose settings have had none, else one drawn at random; None if there is none.

        All trials share a seed, so a second one would only repeat the first. One that the sampler still proposes
        is reported to Optuna as a failure without settings, which neither sampler nor budget takes notice of.
        """
        attempts = grid_size(self.space, self.study.sampler.options) if self.study.sampler.name == "grid" else REPEATS
        for _ in range(attempts):
            trial = self.optuna.ask()
            settings = self._draw(trial)
            if not self._is_repeat(settings):
                return trial, settings
            self.optuna.tell(trial, state=TrialState.FAIL)
        untried = self._draw_untried()
        if untried is None:
            return None
        self.optuna.enqueue_trial(untried)
        trial = self.optuna.ask()
        return trial, self._draw(trial)

    def _is_repeat(self, settings: Mapping[str, Any]) -> bool:
        """Whether these settings have had their trial, and those more that a retry asks for."""
        text, trials = canonical(settings), self.optuna.get_trials(deepcopy=False)
        again = [number for number in self._retried() if canonical(trials[number].user_attrs.get(SETTINGS)) == text]
        return self._proposed[text] > len(again)

    def _draw_untried(self) -> dict[str, Any] | None:
        """Settings at random that have had no trial; None if they can hardly be found."""
        seed = continued_seed(self.study.sampler.options.seed, len(self.optuna.get_trials(deepcopy=False)))
        generator = np.random.default_rng(seed)
        draws = (draw_settings(self.space, self._values, self.known, generator) for _ in range(DRAWS))
        return next((settings for settings in draws if not self._is_repeat(settings)), None)

    def _draw(self, trial: Trial) -> dict[str, Any]:
        """Draw every parameter whose condition holds."""
        settings: dict[str, Any] = {}
        for name in order_by_condition(self.space):
            if self.space[name].active({**self.known, **settings}):
                settings[name] = suggest(trial, name, self.space[name])
        return settings

    @without_warnings()
    def report(self, key: str, epoch: int, metrics: Mapping[str, float]) -> bool:
        trial = self.running[key]
        value = reported_value(self.objectives, metrics)
        if value is None or not is_reported(epoch):
            return False
        # a resumed trial may repeat the epoch that its checkpoint missed; the first report is kept
        trial.report(value, epoch)
        return bool(trial.should_prune())

    @without_warnings()
    def finish(self, entry: TrialRecord) -> None:
        assert entry.number is not None
        trial = self.running.pop(entry.key, None)
        outcome = Outcome(entry.outcome)
        state = TrialState[MEANINGS[outcome].optuna]
        frozen = self.optuna.get_trials(deepcopy=False)[entry.number]
        if state == TrialState.RUNNING or frozen.state.is_finished():
            return
        trial = trial or live_trial(self.optuna, frozen)
        trial.set_user_attr(OUTCOME, str(outcome))
        for epoch, value in intermediate_values(self.objectives, entry.curve).items():
            if epoch not in frozen.intermediate_values:  # its report was lost with a driver
                trial.report(value, epoch)
        for name, violation in violations(self.study, entry).items():
            if name not in frozen.constraints:
                trial.set_constraint(name, violation)
        values = final_values(self.objectives, entry)
        self.optuna.tell(trial, values if state == TrialState.COMPLETE else None, state=state)
