"""The driver writes the ledger's index: while a long study runs, and when one ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.execute import recorder
from saddle.execute.driver import EndedStudy, Options, run_study
from saddle.store.ledger import ledger_index
from saddle.store.ledger.ledger import Ledger
from saddle.store.ledger.ledger_index import index_folder, number_of_segment, read_segments
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.trial.run_id import RunId
from tests.support.records import changed
from tests.support.stored import rewrite_entry

STUDY = """
study: long
trainable: parabola
fixed: {epochs: 1, trouble: none}
ablation:
  factors: {x: [0.1, 0.2, 0.3, 0.4, 0.5]}
  seeds: 1
  compare: {metric: test/score}
"""


def run(store: LocalStore, **options: object) -> EndedStudy:
    [study] = parse_studies(STUDY, "long.yaml")
    return run_study(study, store, [{"CPU": 2.0}], Options(track=False, **options))  # type: ignore[arg-type]


def segments(store: LocalStore) -> dict[int, int]:
    """How many entries each segment holds, by its number."""
    return {number_of_segment(one.path): len(one.etags or {}) for one in read_segments(store, RunId("long"))}


@pytest.mark.usefixtures("ray_session")
def test_a_long_study_is_indexed_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SEGMENT", 2)
    monkeypatch.setattr(ledger_index, "SEGMENT", 2)
    monkeypatch.setattr(ledger_index, "FEWEST", 2)
    store = LocalStore(tmp_path)
    run(store)
    assert segments(store) == {1: 2, 2: 2}, "at the end there is one left, too few for a segment more"


@pytest.mark.usefixtures("ray_session")
def test_a_study_that_ends_is_indexed_and_what_is_run_again_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_index, "FEWEST", 2)
    store = LocalStore(tmp_path)
    first = run(store)
    assert segments(store) == {1: 5}
    again = first.entries[2]
    rewrite_entry(store, changed(again, outcome="failed", metrics={}))
    second = run(store, retry=("failed",))
    [found] = [entry for entry in second.entries if entry.key == again.key]
    assert (found.outcome, found.metrics["test/score"]) == ("completed", again.metrics["test/score"])
    assert found.started > again.started
    assert list(store.names(index_folder(RunId("long")))), "its other rows are still good"
    assert Ledger(store, second.results.run).entries() == list(second.results.records)
