"""What is stored, found again by any name a person might use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saddle.archive.lookup import find_studies, find_study, find_trial
from saddle.archive.model.models import stored_state
from saddle.archive.model.reevaluate import change_config
from saddle.archive.rows import flat_row, headline_metrics, result_row
from saddle.archive.studies import StoredStudy, read_study, settle_study, study_names
from saddle.archive.study_status import read_state
from saddle.errors import NotFound, StudyChanged, UserError
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.ownership.lock import lock_study
from saddle.study.trainable.declarations import UNDECLARED
from saddle.studyfile.loader import parse_studies
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import make_record

TWO = """\
study: first
trainable: parabola
search: {x: {float: [0, 1]}}
objective: {maximize: validation/score}
sampler: random
budget: {trials: 5}
---
study: second
ablation: {factors: {mode: [plain, curved]}, seeds: 3, compare: {metric: test/score}}
"""


def entry(number: int, score: float, **changes: Any) -> TrialRecord:
    facts = {
        "study": "first",
        "seed": 0,
        "outcome": "completed",
        "params": {"x": 0.5},
        "settings": {"x": 0.5},
        "metrics": {"validation/score": score, "train/loss": 1.0},
        "number": number,
    }
    return make_record(key=f"trial-{number:05d}", **{**facts, **changes})


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "kept")
    first, second = parse_studies(TWO, "two.yaml")
    settle_study(store, first, None, fresh=False)
    settle_study(store, second, {"mode": "plain"}, fresh=False)
    for number, score in enumerate((0.1, 0.9, 0.5)):
        Ledger(store, RunId("first")).add(entry(number, score))
    Ledger(store, RunId("first")).add(entry(3, 2.0, outcome="failed"))
    return store


def test_a_trial_is_found_by_key_number_or_as_the_best(store: LocalStore) -> None:
    for name in ("first/trial-00002", "first/2"):
        assert find_trial(store, name).entry.number == 2
    assert find_trial(store, "first", "trial-00000").name == "first/trial-00000"
    assert find_trial(store, "first").entry.number == 1, "the best completed one"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("frst", r"no study 'frst' in .*kept; did you mean first\? stored are: first, second"),
        ("first/trial-0000", "no finished trial 'trial-0000' in first; did you mean trial-0000"),
        ("second", "second has no completed trial"),
        ("../first", r"no study '\.\.'"),
        ("quickstart", "no study 'quickstart'"),
    ],
)
def test_what_is_not_there_is_said(store: LocalStore, name: str, message: str) -> None:
    with pytest.raises(NotFound, match=message):
        find_trial(store, name)


def test_a_file_stands_for_the_studies_it_holds(store: LocalStore) -> None:
    Path("two.yaml").write_text(TWO)
    assert [found.study.study for found in find_studies(store, "two.yaml")] == ["first", "second"]
    with pytest.raises(NotFound, match="holds several studies; name one of first, second"):
        find_study(store, "two.yaml")


def test_the_same_study_goes_on_and_another_is_refused(store: LocalStore) -> None:
    first, second = parse_studies(TWO.replace("trials: 5", "trials: 8"), "two.yaml")
    before = read_study(store, "first")
    assert settle_study(store, first, None, fresh=False).instance == before.instance
    assert read_study(store, "first").study.budget.trials == 8
    [changed, _] = parse_studies(TWO.replace("[0, 1]", "[0, 2]"), "two.yaml")
    with pytest.raises(StudyChanged, match=r"search\.x\.float: \[0\.0, 1\.0\] → \[0\.0, 2\.0\]"):
        settle_study(store, changed, None, fresh=False)
    Ledger(store, RunId("second")).add(make_record("k", "second", 0, "completed", {}, {}, {}))
    with pytest.raises(StudyChanged, match=r"ablation\.baseline"):
        settle_study(store, second, {"mode": "curved"}, fresh=False)
    assert settle_study(store, changed, None, fresh=True).instance != before.instance
    assert study_names(store) == ["first", "second"]
    assert len(list(Ledger(store, RunId("first")))) == 0, "the old trials lie beside"


def test_rows_are_plain_and_headlines_few() -> None:
    [study, _] = parse_studies(TWO, "two.yaml")
    row = result_row(entry(0, 0.5), StoredStudy(study, RunId("first"), None))
    flat = flat_row(row)
    assert (flat["params.x"], flat["metrics.validation/score"]) == (0.5, 0.5)
    assert "settings" not in flat
    assert headline_metrics([row], UNDECLARED) == ["validation/score"]
    many = {f"{split}/{name}": 1.0 for split in ("validation", "test") for name in ("clean_accuracy", "a.worst_case")}
    assert headline_metrics([{"metrics": many}], UNDECLARED) == [
        "test/a.worst_case",
        "test/clean_accuracy",
        "validation/a.worst_case",
    ]
    clean = "validation/clean_accuracy"
    assert headline_metrics([{"metrics": many}], UNDECLARED, clean)[0] == clean


def test_a_study_runs_while_its_lock_is_held(store: LocalStore) -> None:
    assert read_state(store, RunId("first")).progress.state == "not started"
    store.write("studies/first/progress.json", b'{"study": "first", "state": "running", "running": {"a": 1}}')
    assert read_state(store, RunId("first")).progress.state == "interrupted"
    with lock_study(store, RunId("first")):
        state = read_state(store, RunId("first"))
    assert state.running
    assert state.facts()["running"] == {"a": 1}


def test_a_checkpoint_that_was_not_kept_is_said(store: LocalStore) -> None:
    with pytest.raises(NotFound, match="no best checkpoint of first/trial-00001 is kept"):
        stored_state(store, find_trial(store, "first/1"))


def test_a_changed_field_is_read_as_yaml_and_checked() -> None:
    from fake_methods.parabola import Config

    assert change_config(Config(), ["x=1e-1", "mode=curved"]) == Config(x=0.1, mode="curved")
    for change, message in (("y=1", "with a field"), ("mode=curvy", "'plain' or 'curved'"), ("x=[", "is not YAML")):
        with pytest.raises(UserError, match=message):
            change_config(Config(), [change])
