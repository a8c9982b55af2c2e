"""A study whose first trials all fail alike is stopped, and what they printed is found in its logs and its report."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from saddle.archive.studies import read_study
from saddle.archive.study_status import read_state
from saddle.cli.app import app
from saddle.errors import FailedAlike
from saddle.execute.driver import EndedStudy
from saddle.execute.recorder import describe
from saddle.report.write import markdown_of, page_of
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.study.trainable.own_sources import forget_own_modules
from saddle.trial.run_id import RunId
from tests.support import in_process

STUDY = """
study: broken
trainable: ./train.py:train
fixed: {epochs: 2}
search: {lr: {float: [0.01, 1.0], log: true}}
objective: {maximize: validation/accuracy}
sampler: {random: {seed: 0}}
budget: {trials: 6}
"""
RUN = RunId("broken")

SCRIPT = """
def train(config, run):
    print("reading the data with token=abcdef123456")
    for epoch in range(config.epochs):
        run.report({"validation/accuracy": 1 - config.lr})
"""
FAILS = SCRIPT.replace("    for epoch", "    raise ValueError('no such column')\n    for epoch")
FAILS_LATER = SCRIPT + "    raise ValueError(config.lr)\n"


@pytest.fixture(autouse=True)
def _no_modules_of_other_tests():
    yield
    forget_own_modules()


def run(folder: Path, script: str, study: str = STUDY) -> list[EndedStudy]:
    forget_own_modules()
    (folder / "train.py").write_text(script)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return in_process.run_in_process(LocalStore(folder / "runs"), study, track=False)


def logs(folder: Path, *arguments: str) -> str:
    said = CliRunner().invoke(app, ["logs", *arguments, "--storage", str(folder / "runs")])
    assert said.exit_code == 0, said.output
    return said.stdout


def test_the_first_trials_that_fail_alike_stop_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FailedAlike) as caught:
        run(tmp_path, FAILS)
    assert caught.value.exit_code == 1
    assert "the first 3 trials of broken failed in the same way" in str(caught.value)
    assert "ValueError: no such column (train.py:4)" in str(caught.value)
    store = LocalStore(tmp_path / "runs")
    records = Ledger(store, RUN).entries()
    assert len(records) == 3
    state = read_state(store, RUN).progress
    assert (state.state, "failed in the same way" in state.why) == ("stopped", True)
    stored = read_study(store, "broken")
    assert stored is not None
    line = describe(records[0], "validation/accuracy", stored.declared)
    assert line.endswith("; ValueError: no such column (train.py:4)")


def test_states_that_cannot_be_stored_stop_the_study_too(tmp_path: Path) -> None:
    script = "import numpy\n" + SCRIPT.replace("config.lr})", "config.lr}, model={'w': numpy.zeros(3)})")
    with pytest.raises(
        FailedAlike, match=r"failed in the same way.*the state can't be stored: state\['model'\]\['w'\] is a numpy"
    ):
        run(tmp_path, script)
    assert len(Ledger(LocalStore(tmp_path / "runs"), RUN).entries()) == 3


def test_what_a_failed_trial_printed_is_in_its_log_and_folded_in_the_report(tmp_path: Path) -> None:
    with pytest.raises(FailedAlike):
        run(tmp_path, FAILS)
    store = LocalStore(tmp_path / "runs")
    [first, *_] = Ledger(store, RUN).entries()
    said = logs(tmp_path, f"broken/{first.key}")
    assert "reading the data with token=***" in said
    assert "ValueError: no such column" in said
    assert logs(tmp_path, "broken").count("reading the data") == 3
    stored = read_study(store, "broken")
    assert stored is not None
    page = page_of(store, stored.read_results(store))
    assert page.count("<summary>What it printed</summary>") == 3
    assert "reading the data with token=***" in page
    assert "reading the data" not in markdown_of(store, stored.read_results(store)), "Markdown folds nothing"


@pytest.mark.parametrize(
    ("script", "study"),
    [
        (FAILS, STUDY.replace("trials: 6", "trials: 6, failures_alike: 0")),
        (FAILS, STUDY.replace("trials: 6", "trials: 3")),
        (FAILS.replace("    raise", "    if config.lr < 0.2:\n        raise"), STUDY),
        (FAILS_LATER.replace("(config.lr)", "(config.lr) if config.lr < 0.2 else TypeError(config.lr)"), STUDY),
    ],
    ids=["never", "nothing is left", "one ended well", "another exception"],
)
def test_a_study_goes_on_where_they_do_not_all_fail_alike(tmp_path: Path, script: str, study: str) -> None:
    [ended] = run(tmp_path, script, study)
    assert len(ended.entries) == (3 if "trials: 3" in study else 6)
    assert any(entry.outcome == "failed" for entry in ended.entries)


def test_the_study_goes_on_once_its_code_is_mended(tmp_path: Path) -> None:
    with pytest.raises(FailedAlike):
        run(tmp_path, FAILS)
    [ended] = run(tmp_path, SCRIPT)
    assert sorted(entry.outcome for entry in ended.entries) == ["completed"] * 3 + ["failed"] * 3


def test_a_trial_that_does_not_exist_is_named_with_the_nearest(tmp_path: Path) -> None:
    run(tmp_path, SCRIPT, STUDY.replace("trials: 6", "trials: 1"))
    [entry] = Ledger(LocalStore(tmp_path / "runs"), RUN).entries()
    said = CliRunner().invoke(app, ["logs", f"broken/{entry.key}x", "--storage", str(tmp_path / "runs")])
    assert said.exit_code == 2
    assert f"did you mean {entry.key}?" in said.stderr
    assert "token=***" in logs(tmp_path, "broken/0"), "a trial of a search has a number, too"
    assert logs(tmp_path, "broken", "--follow") == "", "nothing runs any more"
