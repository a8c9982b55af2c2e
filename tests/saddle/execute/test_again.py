"""A finished trial is run again by name: what it was is set aside, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.errors import NotFound
from saddle.execute.driver import EndedStudy
from saddle.store.ledger.ledger import Ledger
from saddle.store.ledger.record_parquet import decode
from saddle.store.local import LocalStore
from saddle.trial.run_id import RunId
from saddle.verify.verify_study import verify_study
from tests.support import in_process

ABLATION = """
study: ab
trainable: parabola
fixed: {epochs: 2}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 3
  compare: {metric: test/score}
"""
SEARCH = """
study: se
trainable: parabola
fixed: {epochs: 1}
search: {x: {float: [0, 2]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 3}
"""


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "runs")


def run(store: LocalStore, study: str, *again: str) -> EndedStudy:
    [ended] = in_process.run_in_process(store, study, track=False, again=again)
    return ended


def test_a_trial_of_an_ablation_is_run_again_and_the_earlier_one_kept(store: LocalStore) -> None:
    before = {entry.key: entry for entry in run(store, ABLATION).entries}
    key = next(iter(before))
    after = {entry.key: entry for entry in run(store, ABLATION, f"ab/{key}").entries}
    assert {name for name, entry in after.items() if entry.ended != before[name].ended} == {key}
    assert after[key].metrics["test/score"] == before[key].metrics["test/score"], "the same trial, the same result"
    assert after[key].attempts == before[key].attempts + 1
    [aside] = (store.root / "studies/ab/set-aside").iterdir()
    kept = decode((aside / "record.parquet").read_bytes(), "record.parquet")
    assert (kept.key, kept.ended) == (key, before[key].ended)
    assert sorted(path.name for path in (aside / "checkpoints").iterdir() if path.suffix == ".pt")
    assert not verify_study(store, RunId("ab")).differences


def test_a_trial_of_a_search_is_tried_once_more_as_a_new_one(store: LocalStore) -> None:
    before = run(store, SEARCH).entries
    after = run(store, SEARCH, "1").entries
    assert [entry.ended for entry in after[:3]] == [entry.ended for entry in before]
    assert (len(after), after[3].settings) == (4, before[1].settings)


def test_a_name_of_no_trial_is_refused_before_anything_happens(store: LocalStore) -> None:
    ended = run(store, ABLATION)
    key = ended.entries[0].key
    with pytest.raises(NotFound, match=f"did you mean .*{key}"):
        in_process.require_again(store, ABLATION, f"{key}x")
    assert len(Ledger(store, RunId("ab")).keys()) == 6
