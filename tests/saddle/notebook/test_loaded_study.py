"""A loaded study without training: frames of odd trials, what is wrong is named, and the page of a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pytest

import saddle
from saddle.archive.studies import settle_study
from saddle.errors import NoFrame, NotFound, UserError
from saddle.notebook.study import LoadedStudy
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.store.open import open_store
from saddle.studyfile.loader import parse_studies
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import make_record
from tests.support.s3 import S3

S = TypeVar("S", bound=Store)

TWO = """\
study: first
question: Is 1 < 2?
trainable: parabola
search: {x: {float: [0, 1]}}
objective: {maximize: validation/score}
sampler: random
budget: {trials: 5}
---
study: second
question: Does <b>curved</b> help?
ablation: {factors: {mode: [plain, curved]}, seeds: 3, compare: {metric: test/score}}
"""


def entry(study: str, key: str, **changes: Any) -> TrialRecord:
    facts: dict[str, Any] = {"seed": 0, "outcome": "completed", "params": {}, "settings": {}, "metrics": {}}
    return make_record(key=key, study=study, **{**facts, **changes})


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return fill(LocalStore(tmp_path / "runs"))


def fill(store: S) -> S:
    """Put a search and an ablation into the store."""
    first, second = parse_studies(TWO, "two.yaml")
    settle_study(store, first, None, fresh=False)
    settle_study(store, second, {"mode": "plain"}, fresh=False)
    ledger = Ledger(store, RunId("first"))
    curve = [{"validation/score": 0.5, "loss": None}, {"validation/score": 1.0}]
    params = {"x": 0.5, "tasks": ["a"]}
    ledger.add(entry("first", "trial-00000", number=0, params=params, metrics={"validation/score": 1.0}, curve=curve))
    ledger.add(entry("first", "trial-00001", number=1, params={"x": "auto"}, outcome="failed", why="boom"))
    ledger = Ledger(store, RunId("second"))
    for mode, values in {"plain": (0.1, 0.2, 0.3), "curved": (0.5, 0.6, None)}.items():
        for seed, value in enumerate(values):
            ends = {"outcome": "collapsed"} if value is None else {"metrics": {"test/score": value}}
            ledger.add(entry("second", f"{mode}-s{seed}", arm=f"mode={mode}", seed=seed, params={"mode": mode}, **ends))
    return store


def load(name: str, store: LocalStore) -> LoadedStudy:
    return saddle.load(name, storage=store.root)


def test_trials_that_failed_or_say_other_things_have_rows_too(store: LocalStore) -> None:
    study = load("first", store)
    trials = study.trials
    assert trials["params.x"].tolist() == [0.5, "auto"]
    assert trials["params.tasks"].tolist()[0] == '["a"]'
    assert trials["params.tasks"].isna().tolist() == [False, True]
    assert trials["why"].tolist() == ["", "boom"]
    assert trials["metrics.validation/score"].isna().tolist() == [False, True]
    table = study.arrow("trials")
    assert table["params.x"].to_pylist() == ["0.5", "auto"]
    assert (table["number"].type, table["ended"].type) == (pa.int64(), pa.timestamp("ns", "UTC"))
    curves = study.curves
    assert curves[curves["metric"] == "validation/score"]["value"].tolist() == [0.5, 1.0]
    assert curves[curves["metric"] == "loss"]["value"].isna().tolist() == [True]
    assert curves["epoch"].tolist() == [1, 1, 2]
    assert curves["arm"].isna().all()
    assert study.trials is trials, "made once"


def test_failures_of_a_method_are_counted_beside_the_mean(store: LocalStore) -> None:
    arms = load("second", store).arms.set_index("arm")
    assert arms.index.tolist() == ["plain", "curved"]
    assert arms["completed"].tolist() == [3, 2]
    assert arms["collapsed"].tolist() == [0, 1]
    assert arms["mean"].tolist() == pytest.approx([0.2, 0.55])
    low = 0.2 - 4.302653 * 0.1 / 3**0.5  # Student's t at two degrees of freedom
    assert arms.loc["plain", "low"] == pytest.approx(low, abs=1e-6)
    assert set(load("second", store).trials["arm"]) == {"plain", "curved"}, "one name in every frame"
    assert arms["settings.mode"].tolist() == ["plain", "curved"]


def test_a_study_is_loaded_by_its_url(s3: S3, store: LocalStore) -> None:
    url = fill(open_store(f"s3://{s3.bucket()}/team", create=False)).url
    for name in (f"{url}/second", f"{url}/studies/second"):
        assert saddle.load(name).arms.equals(load("second", store).arms)


def test_an_empty_study_has_empty_frames(store: LocalStore) -> None:
    [study] = parse_studies(TWO.partition("---")[0].replace("first", "empty"), "x.yaml")
    settle_study(store, study, None, fresh=False)
    empty = load("empty", store)
    for name in ("trials", "arms", "effects", "curves", "predictions"):
        assert len(getattr(empty, name)) == 0
        assert empty.arrow(name).num_rows == 0
    assert "trial" in empty.curves
    assert "no finished trial yet" in empty._repr_html_()


def test_a_notebook_shows_the_answer_and_no_markup_of_others(store: LocalStore) -> None:
    shown = load("second", store)._repr_html_()
    assert "Does &lt;b&gt;curved&lt;/b&gt; help?" in shown
    assert load("second", store).answer.sentence.split(":")[0] in shown
    assert "5 completed, 1 collapsed" in shown
    assert shown.count("<tr>") == 3


def test_what_is_wrong_is_named_with_what_would_be_right(store: LocalStore) -> None:
    study = load("second", store)
    for call, said in (
        (lambda: load("secnd", store), "did you mean second"),
        (lambda: load("first/1", store), r"'first/1' is a trial; its model is saddle.load_model\('first/1'\)"),
        (lambda: study.arrow("curve"), "did you mean curves"),
        (lambda: study.compare_samples("curvd"), "did you mean the arm curved"),
        (lambda: study.compare_samples("curved", "plain-s0"), "name two arms or two trials"),
        (lambda: study.compare_samples("curved-s0", "plain-s0"), "curved-s0 has no predictions of single samples"),
        (lambda: study.predictions_of("plain-s0"), "its method stores none"),
        (lambda: study.predictions_of("plain-s9"), "did you mean plain-s"),
        (lambda: load("first", store).compare_samples("trial-00000"), "name two trials of a search"),
    ):
        with pytest.raises(UserError, match=said):
            call()
    assert issubclass(NoFrame, UserError)
    assert issubclass(NotFound, UserError)
    assert len(study.compare_samples("curved")) == 0, "no predictions are stored"
