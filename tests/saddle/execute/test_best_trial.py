"""One meaning of "best": the answer, `status`, `evaluate`, `export`, the lines of a run and what follows a search."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from saddle.analyse.answer import answer
from saddle.analyse.study_comparison import view_of
from saddle.analyse.to_check import to_check
from saddle.analyse.tuning import tuning_cautions
from saddle.archive.lookup import find_trial, pick_trial
from saddle.archive.retention import ranked
from saddle.archive.studies import StoredStudy, read_study, settle_study
from saddle.cli.app import app
from saddle.design import replicates
from saddle.execute.plan.baseline import find_baseline
from saddle.execute.progress import Silent, count_again, start_progress
from saddle.report.cited_trials import leaders
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.fence import NO_LOCK
from saddle.studyfile.loader import parse_studies
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.source import TrialSource
from tests.support.records import make_record

SEARCH = """
study: chosen
trainable: parabola
search: {x: {float: [0, 1]}}
objective: {maximize: validation/score}
constraints: [validation/accuracy >= 0.5]
sampler: random
budget: {trials: 6}
---
study: around
ablation: {baseline: {best_of: chosen}, factors: {mode: [plain, curved]}, seeds: 3}
"""
SOURCE = cast(TrialSource, SimpleNamespace(total=6))


def trial(number: int, score: float, accuracy: float, outcome: str = "completed", **more: float) -> TrialRecord:
    metrics = {"validation/score": score, "validation/accuracy": accuracy, **more}
    key, settings = f"trial-{number:05d}", {"x": number / 10}
    return make_record(key, "chosen", 0, outcome, settings, settings, metrics, number=number, started=100.0 - number)


ENDED = [
    trial(5, 0.8, 0.6),
    trial(4, 0.9, 0.4),  # breaks the constraint
    trial(3, 0.95, 0.9, "pruned"),
    trial(2, 0.8, 0.9),  # as good as trial 5, and the earlier one, though it ended later
    trial(1, float("inf"), 0.9),
    trial(0, 0.1, 0.9),
]
"""In the order of their ends."""


@pytest.fixture
def stored(tmp_path: Path) -> tuple[LocalStore, StoredStudy]:
    store = LocalStore(tmp_path / "kept")
    [search, _] = parse_studies(SEARCH, "two.yaml")
    settle_study(store, search, None, fresh=False)
    for entry in ENDED:
        Ledger(store, RunId("chosen")).add(entry)
    found = read_study(store, "chosen")
    assert found is not None
    return store, found


def test_everything_that_speaks_of_the_best_trial_means_the_same(
    stored: tuple[LocalStore, StoredStudy], tmp_path: Path
) -> None:
    store, study = stored
    results = study.read_results(store)
    keeper = start_progress(study.study, study.run, study.declared, store, [], SOURCE, 1, Silent())
    for entry in ENDED:  # as they end, whatever their order
        keeper.finished(entry, "ended")
    keeper.end("finished")
    said: dict[str, Any] = {
        "the answer": answer(study.study, results.records, study.declared).best,
        "evaluate, export, check and load_model": find_trial(store, "chosen").entry,
        "a notebook": pick_trial(study, results.records, None).entry,
        "a comparison": view_of(results).best,
        "retention": ranked(study.study, study.declared, results.records)[0],
        "the report": leaders(results)[0],
        "the checklist": to_check(results)[0],
        "the lines of a run": keeper.leaders[0],
    }
    assert {name: entry.number for name, entry in said.items()} == dict.fromkeys(said, 2)
    assert (keeper.progress.best_trial, keeper.progress.best) == ("trial-00002", 0.8)
    status = CliRunner().invoke(app, ["status", "chosen", "--storage", str(tmp_path / "kept")])
    assert "best validation/score 0.800 (trial-00002)" in " ".join(status.output.split())
    [_, around] = parse_studies(SEARCH, "two.yaml")
    baseline = find_baseline(around, store)
    assert baseline is not None
    assert baseline["x"] == 0.2


def test_where_all_trials_are_alike_everything_that_picks_one_says_that_none_is_the_best(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "kept")
    [search, around] = parse_studies(SEARCH, "two.yaml")
    settled = settle_study(store, search, None, fresh=False)
    ended = [trial(number, 0.8, 0.9) for number in range(2)]
    for entry in ended:
        Ledger(store, RunId("chosen")).add(entry)
    start_progress(search, settled.run, settled.declared, store, ended, SOURCE, 1, Silent()).end("finished")
    alike = "All 2 completed trials have the same validation/score"
    assert answer(search, ended, settled.declared).sentence.startswith(alike)
    picked = find_trial(store, "chosen")
    assert picked.entry.number == 0
    assert picked.doubt.startswith(alike)
    assert find_trial(store, "chosen", "trial-00001").doubt == "", "that one was asked for by its name"
    status = CliRunner().invoke(app, ["status", "chosen", "--storage", store.url])
    assert f"no best trial: {alike}" in " ".join(status.output.split())
    ablation = settle_study(store, around, find_baseline(around, store), fresh=False)
    first, *_ = tuning_cautions(ablation.study, ablation.arms, ablation.tuned)
    assert first.startswith(
        "The baseline has the settings of one of several equally good trials, as chosen has no best trial."
    )
    assert alike in first


def test_what_is_measured_again_is_chosen_from_as_before(stored: tuple[LocalStore, StoredStudy]) -> None:
    store, study = stored
    start_progress(study.study, study.run, study.declared, store, ENDED, SOURCE, 1, Silent()).end("finished")
    count_again(store, study.run, study.study, ENDED, study.declared, NO_LOCK)
    status = CliRunner().invoke(app, ["status", "chosen", "--storage", store.url])
    assert "best validation/score 0.800 (trial-00002)" in " ".join(status.output.split())


def test_an_ablations_best_is_not_chosen_on_test_data(tmp_path: Path) -> None:
    text = (
        "study: arms\ntrainable: parabola\nablation: {factors: {mode: [plain, curved]}, compare: {metric: test/score}}"
    )
    store = LocalStore(tmp_path / "kept")
    [study] = parse_studies(text, "arms.yaml")
    settled = settle_study(store, study, {"mode": "plain"}, fresh=False)
    values = [(0.5, 0.9), (0.7, 0.2)]
    ended = [
        make_record(str(seed), "arms", seed, "completed", {}, {}, {"validation/score": chosen, "test/score": tested})
        for seed, (chosen, tested) in enumerate(values)
    ]
    for entry in ended:
        Ledger(store, RunId("arms")).add(entry)
    keeper = start_progress(study, settled.run, settled.declared, store, ended, SOURCE, 1, Silent())
    assert find_trial(store, "arms").entry.key == keeper.progress.best_trial == "1"
    assert keeper.progress.metric == "validation/score"


def test_the_best_of_several_objectives_has_all_of_them_and_lies_on_the_front(tmp_path: Path) -> None:
    text = SEARCH.partition("---")[0].replace("constraints: [validation/accuracy >= 0.5]\n", "")
    text = text.replace("{maximize: validation/score}", "[{maximize: validation/score}, {minimize: validation/cost}]")
    store = LocalStore(tmp_path / "kept")
    [study] = parse_studies(text, "several.yaml")
    settled = settle_study(store, study, None, fresh=False)
    cost = "validation/cost"
    ended = [trial(0, 0.9, 0.9), trial(1, 0.8, 0.9, **{cost: 3.0}), trial(2, 0.8, 0.9, **{cost: 2.0})]
    for entry in ended:
        Ledger(store, RunId("chosen")).add(entry)
    found = answer(study, ended, settled.declared)
    keeper = start_progress(study, settled.run, settled.declared, store, ended, SOURCE, 1, Silent())
    assert find_trial(store, "chosen").entry.number == 2
    assert keeper.leaders[0].number == 2
    assert [entry.number for entry in found.front] == [2]


@pytest.mark.parametrize(("floor", "breaks"), [(0.5, False), (0.9, True)])
def test_an_ablation_checks_the_constraints_of_the_search_that_it_is_built_on(
    tmp_path: Path, floor: float, breaks: bool
) -> None:
    store = LocalStore(tmp_path / "kept")
    search, around = parse_studies(SEARCH.replace(">= 0.5", f">= {floor}"), "two.yaml")
    settle_study(store, search, None, fresh=False)
    settled = settle_study(store, around, {"mode": "plain"}, fresh=False)
    assert around.ablation is not None
    for one in replicates(settled.arms, around.ablation.seed_list):
        curved = one.arm.settings["mode"] == "curved"
        score = 0.5 + 0.01 * one.seed + (0.2 + 0.001 * one.seed) * curved
        metrics = {"test/score": score, "validation/accuracy": 0.95 - 0.2 * curved}
        record = make_record(
            one.key, "around", one.seed, "completed", {}, dict(one.arm.settings), metrics, arm=one.arm.name
        )
        Ledger(store, RunId("around")).add(record)
    found = read_study(store, "around")
    assert found is not None
    for stored_study in (settled, found):
        answer = stored_study.read_results(store).answer
        [effect] = answer.effects
        clause = "it breaks validation/accuracy >= 0.9 of the search that it is built on (75.0 % over 3 seeds)"
        assert effect.reservations == ((clause,) if breaks else ())
        assert effect.verdict_text == ("helps, with a reservation" if breaks else "helps")
        assert (f"; but {clause}" in answer.sentence) == breaks
