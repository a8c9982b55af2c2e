"""What `saddle.load` gives: a stored study as frames, figures and models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from saddle.analyse.result import Answer
from saddle.analyse.study_results import StudyResults
from saddle.archive.lookup import FoundTrial, find_study, pick_trial
from saddle.archive.studies import StoredStudy, study_names
from saddle.archive.study_url import open_named
from saddle.errors import NoFrame, NotFound
from saddle.notebook import arm_frames, frames, samples
from saddle.notebook.arrow import NAMES, to_arrow
from saddle.notebook.page import page
from saddle.store.base import Store
from saddle.study.models import Study
from saddle.study.nearest import nearest
from saddle.trial.record import TrialRecord
from trainables.contract import WORST_CASE

if TYPE_CHECKING:
    from pandas import DataFrame

    from saddle.notebook.plots import Plots


class LoadedStudy:
    """A study as it was when it was loaded; frames are made when they are first asked for, and kept.

    `trials`, `arms`, `effects`, `curves` and `predictions` are pandas data frames, `arrow(name)` gives the same for
    pyarrow; `answer` is the answer in words; `plot` draws; `model` loads what was trained. Load again to see changes.
    """

    def __init__(self, store: Store, stored: StoredStudy) -> None:
        self._store = store
        self._stored = stored

    def __repr__(self) -> str:
        return f"<saddle study {self.name}: {len(self.entries)} finished trials>"

    def _repr_html_(self) -> str:
        return page(self.results)

    @property
    def name(self) -> str:
        """What the study, or the run of it that `--fresh` has set aside, is called."""
        return self._stored.run.name

    @property
    def study(self) -> Study:
        """The study file, resolved."""
        return self._stored.study

    @property
    def question(self) -> str:
        """What the study asks."""
        return self.study.question

    @cached_property
    def results(self) -> StudyResults:
        """What the study has come to: its records, arms and answer as objects of saddle."""
        return self._stored.read_results(self._store)

    @property
    def entries(self) -> Sequence[TrialRecord]:
        """The finished trials as the ledger has them: a search's by number, an ablation's as they were run."""
        return self.results.records

    @property
    def answer(self) -> Answer:
        """The answer: `answer.sentence`, `answer.warnings`, and the table's `answer.columns` and `answer.rows`."""
        return self.results.answer

    @cached_property
    def trials(self) -> DataFrame:
        """A row for each finished trial.

        `trial` (its key), `arm` (None in a search), `number` (None in an ablation), `seed`, `outcome`, `why`, `epochs`
        (trained), `selected_epoch`, `seconds` (of training), `attempts`, `started` and `ended` (UTC); then
        `block.NAME`, `params.NAME` (the whole configuration, lists and mappings as JSON), `metrics.NAME` (of the
        selected checkpoint; accuracies are shares of 1), and `test_last.NAME` (of the last epoch).
        """
        return frames.trials(self.entries, self.results.name_of_arm)

    @cached_property
    def arms(self) -> DataFrame:
        """A row for each arm of an ablation, the baseline first; none for a search.

        `arm`, `is_baseline`, `metric` (the one compared), `completed` (replicates that have a value of it), `mean`,
        `sd`, `low` and `high` (Student's 95 % interval of the mean), `minimum`, `maximum` (all in the metric's unit),
        `last_mean` (of the last epoch's checkpoints), a column for every other outcome (`collapsed`, `diverged`,
        `failed`, …: how many replicates ended so), and `settings.NAME`.
        """
        return arm_frames.arms(self.results)

    @cached_property
    def effects(self) -> DataFrame:
        """A row for each comparison of an ablation; none for a search.

        `name`, `arm`, `baseline`, `metric`, `verdict`, `n` (pairs), `mean` (arm minus baseline, in the metric's unit),
        `low`, `high` and `level` (the interval that the verdict follows from), `p`, `p_adjusted`, `p_permutation`, and
        the other fields of `saddle.analyse.arms.effect.Effect`.
        """
        return arm_frames.effects(self.answer.effects)

    @cached_property
    def curves(self) -> DataFrame:
        """A row for each metric of each epoch of each trial: `trial`, `arm`, `seed`, `epoch` (from 1), `metric`,
        `value` (in the metric's unit; NaN if it was not finite).
        """
        return frames.curves(self.entries, self.results.name_of_arm)

    @cached_property
    def predictions(self) -> DataFrame:
        """A row for each test sample of each trial that stored predictions.

        `trial`, `arm`, `seed`, `sample` (its place in the test split, from 0), `label`, `predictions.clean` and
        `predictions.ATTACK` (classes), and `right` (under every one of them, the worst case). Raises `TooMany` where
        this is more than fits a notebook; `predictions_of` gives one trial's.
        """
        return samples.predictions(self.entries, self.results.name_of_arm, self._store)

    def predictions_of(self, trial: str) -> DataFrame:
        """The `predictions` of one trial, by its key or number."""
        return samples.predictions([self._pick(trial).entry], self.results.name_of_arm, self._store, required=True)

    def compare_samples(self, arm: str, baseline: str | None = None, under: str = WORST_CASE) -> DataFrame:
        """McNemar's exact test, seed by seed: on which test samples the arm's model is right and the baseline's not.

        `arm` and `baseline` are arms (the study's baseline by default) or two trials; `under` is `worst_case`, `clean`
        or an attack. Columns: `arm`, `baseline`, `seed`, `block.NAME`, `under`, `n` (samples), `groups` (of
        them, if they come in groups: p is by group then), `both`, `only_arm`,
        `only_baseline`, `neither` (samples right so), `difference` (share of right samples, arm minus baseline), `p`.

        Each row is about two trained models and not about the method: `effects` counts seeds, which are the replicates.
        """
        return samples.compare(self._pick, self.results, self._store, arm, baseline, under)

    def arrow(self, name: str) -> Any:
        """The frame of this name (`trials`, `arms`, `effects`, `curves`, `predictions`) as a `pyarrow.Table`."""
        if name not in NAMES:
            raise NoFrame(f"there is no frame {name!r}; {_did_you_mean(name)}there are {', '.join(NAMES)}")
        return to_arrow(getattr(self, name))

    def model(self, trial: str | None = None) -> Any:
        """The trained model of a trial, or of the study's best one, on the CPU and in eval mode."""
        from saddle.archive.model.models import load_model

        return load_model(self._store, self._pick(trial))

    @cached_property
    def plot(self) -> Plots:
        """The report's figures as matplotlib figures: `plot.forest()`, `plot.arms()`, `plot.curves()`, …"""
        from saddle.notebook.plots import Plots

        return Plots(self.results)

    def _pick(self, trial: str | None) -> FoundTrial:
        return pick_trial(self._stored, self.entries, trial)


def _did_you_mean(name: str) -> str:
    hint = nearest(name, NAMES)
    return f"did you mean {hint}? " if hint else ""


def load_study(name: str, storage: Any = None) -> LoadedStudy:
    """The stored study `name`; raises `saddle.archive.lookup.NotFound`."""
    store, path = open_named(name, storage)
    try:
        return LoadedStudy(store, find_study(store, path))
    except NotFound:
        study, slash, trial = path.partition("/")
        if slash and trial and study in study_names(store):
            raise NotFound(f"{name!r} is a trial; its model is saddle.load_model({name!r})") from None
        raise
