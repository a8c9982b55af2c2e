"""A list of studies: what each came to is read from a summary, which counts only while it is of what is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from saddle.archive import overview
from saddle.archive.overview import read_overview
from saddle.archive.progress import Progress, progress_path
from saddle.archive.studies import read_study
from saddle.cli.studies import listed
from saddle.design import Replicate
from saddle.report.summary import read_summary, summary_path, write_summary
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trial.json_text import to_json
from saddle.trial.run_id import RunId
from tests.support.stored import store_ablation

STUDY = """\
study: shifts
question: Does a shift raise the score?
trainable: parabola
ablation:
  baseline: {shift: 0.0}
  factors: {shift: [0.0, 0.1, 0.2]}
  seeds: 4
  compare: {metric: test/score}
"""
RUN = RunId("shifts")


def measured(one: Replicate) -> dict[str, float]:
    """A large effect of the larger shift, none of the smaller one."""
    shift = float(one.arm.settings.get("shift", 0.0))
    noise = 0.01 * ((one.seed * (3 + round(70 * shift)) + round(10 * shift)) % 7)
    return {"test/score": (0.5 if shift == 0.2 else 0.0) + noise, "validation/score": 0.5 + noise}


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """The study with all its trials, whose driver said that it is finished."""
    store = LocalStore(tmp_path / "kept")
    store_ablation(store, STUDY, measured)
    say(store, "finished")
    return store


def say(store: LocalStore, state: str) -> None:
    progress = Progress("shifts", total=12, done=12, state=state, metric="validation/score", best=0.54, best_trial="a")
    store.write(progress_path(RUN), to_json(vars(progress)).encode())


def test_a_finished_study_is_listed_with_its_best_and_verdicts(store: LocalStore) -> None:
    row = read_overview(store, "shifts")
    assert row.verdict == "no difference shown: shift=0.1; helps: shift=0.2"
    assert row.best == "0.540 (a)"
    facts = row.facts()
    assert (facts["study"], facts["kind"], facts["state"], facts["set_aside"]) == (
        "shifts",
        "ablation",
        "finished",
        False,
    )
    assert (facts["best"], facts["best_trial"], facts["verdict"]) == (0.54, "a", row.verdict)
    assert facts["updated"] > 1e9


def test_no_verdict_is_listed_before_a_study_is_finished(store: LocalStore) -> None:
    say(store, "interrupted")
    assert read_overview(store, "shifts").facts()["verdict"] is None


def test_a_written_summary_is_read_instead_of_computing_the_answer(store: LocalStore, monkeypatch) -> None:
    stored = read_study(store, "shifts")
    assert stored is not None
    write_summary(store, stored.read_results(store))
    computed = read_overview(store, "shifts").verdict
    monkeypatch.setattr(overview, "summarise", lambda results: pytest.fail("the answer is computed again"))
    assert read_overview(store, "shifts").verdict == computed


@pytest.mark.parametrize("change", ["trial", "measurement", "check", "damage"])
def test_a_summary_of_something_else_does_not_count(store: LocalStore, change: str) -> None:
    stored = read_study(store, "shifts")
    assert stored is not None
    write_summary(store, stored.read_results(store))
    assert read_summary(store, RUN) is not None
    key = Ledger(store, RUN).keys()[0]
    match change:
        case "trial":
            Ledger(store, RUN).remove(key)
        case "measurement":
            store.write(f"studies/shifts/measurements/{key}-0001.json", b"{}")
        case "check":
            store.write(f"studies/shifts/checks/{key}.json", b"{}")
        case "damage":
            store.write(summary_path(RUN), b'{"version": 1')
    assert read_summary(store, RUN) is None
    assert read_overview(store, "shifts").verdict, "it is computed"


def test_one_that_cannot_be_read_says_why(store: LocalStore) -> None:
    store.write("studies/shifts/study.yaml", b"study: [")
    row = read_overview(store, "shifts")
    assert row.facts()["kind"] is None
    assert row.facts()["question"].startswith("can't be read: ")


def test_of_many_runs_set_aside_the_latest_are_listed() -> None:
    aside = [f"nightly@2026112{day}T020000-abcd" for day in range(9)]
    names, hidden = listed(["nightly", *aside, "other"])
    assert names == ["nightly", *aside[-3:], "other"]
    assert hidden == {"nightly": 6}
