"""What an ablation names as its choice chooses the checkpoints that are trained, kept, checked and described."""

from __future__ import annotations

import pytest

from saddle.archive.export.model_card import card_of
from saddle.archive.export.model_input import ModelInput
from saddle.archive.lookup import FoundTrial, find_study
from saddle.archive.model.trial_checks import what_is_known
from saddle.archive.progress import read_progress
from saddle.archive.retention import ranked
from saddle.execute.progress import count_again
from saddle.store.local import LocalStore
from saddle.store.ownership.fence import NO_LOCK
from saddle.trial.run_id import RunId
from tests.support.in_process import run_in_process
from tests.support.records import changed

STUDY = """
study: own
trainable: parabola
fixed: {epochs: 3}
ablation:
  factors: {x: [0.3, 0.5]}
  seeds: 1
  compare: {metric: test/score}
---
study: named
ablation: {selected_by: validation/accuracy}
"""
"""The score grows with every epoch; the accuracy is the same in all, so that none is better than the first."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    store = LocalStore(tmp_path_factory.mktemp("selected") / "runs")
    run_in_process(store, STUDY, track=False)
    return store


@pytest.mark.parametrize(
    ("study", "epoch", "metric"), [("own", 3, "validation/score"), ("named", 1, "validation/accuracy")]
)
def test_the_named_metric_chooses_what_is_trained_and_checked(
    store: LocalStore, study: str, epoch: int, metric: str
) -> None:
    stored = find_study(store, study)
    records = stored.read_results(store).records
    assert [record.selected_epoch for record in records] == [epoch, epoch]
    known = what_is_known(store, FoundTrial(stored, records[0]), records)
    assert (known.selected_by, known.selected_epoch) == (metric, epoch)
    progress = read_progress(store, RunId(study))
    assert progress is not None
    assert progress.metric == metric


def test_it_ranks_the_trials_whose_checkpoints_stay_and_is_counted_again(store: LocalStore) -> None:
    results = find_study(store, "named").read_results(store)
    better, worse = (
        changed(record, metrics={**record.metrics, "validation/accuracy": accuracy, "validation/score": -accuracy})
        for record, accuracy in zip(results.records, (0.99, 0.5), strict=True)
    )
    assert [one.key for one in ranked(results.study, results.declared, [worse, better])] == [better.key, worse.key]
    count_again(store, RunId("named"), results.study, [worse, better], results.declared, NO_LOCK)
    progress = read_progress(store, RunId("named"))
    assert progress is not None
    assert (progress.metric, progress.best_trial) == ("validation/accuracy", better.key)


def test_the_card_of_an_exported_network_says_what_chose_it(store: LocalStore) -> None:
    results = find_study(store, "named").read_results(store)
    card = card_of(results, results.records[0], ModelInput())
    assert "chosen by | validation accuracy" in card
