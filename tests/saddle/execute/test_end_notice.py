"""Who a study file names is told once the study has ended, or has stopped by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saddle.errors import FailedAlike, InfrastructureError
from saddle.execute import driver
from saddle.store.local import LocalStore
from saddle.studyfile.loader import dump_study, parse_studies
from tests.support import in_process

STUDY = """
study: told
question: Where is the top of the parabola?
trainable: parabola
fixed: {{epochs: 2, trouble: {trouble}}}
search: {{x: {{float: [0, 2]}}}}
objective: {{maximize: validation/score}}
sampler: {{random: {{seed: 1}}}}
budget: {{trials: 4}}
notify: [{{command: "cat >> told.txt"}}, {{webhook: "env:NOT_SET_ANYWHERE"}}]
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStore:
    monkeypatch.chdir(tmp_path)
    return LocalStore(tmp_path / "runs")


def test_the_end_is_told_with_the_answer_and_where_the_report_is(store: LocalStore) -> None:
    in_process.run_in_process(store, STUDY.format(trouble="none"), track=False)
    said = Path("told.txt").read_text()
    assert said.startswith("told has ended. ")
    assert "4 trials ended: 4 completed." in said
    assert "report.html" in said


def test_a_study_that_stops_by_itself_says_why(store: LocalStore) -> None:
    with pytest.raises(FailedAlike):
        in_process.run_in_process(store, STUDY.format(trouble="raise"), track=False)
    assert (
        Path("told.txt").read_text().startswith("told has stopped: the first 3 trials of told failed in the same way")
    )


def test_a_fault_of_the_machine_is_told(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **named: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(driver, "conclude", fail)
    with pytest.raises(InfrastructureError):
        in_process.run_in_process(store, STUDY.format(trouble="none"), track=False)
    assert Path("told.txt").read_text().startswith("told has stopped: No space left on device")


def test_a_study_without_it_is_written_as_before() -> None:
    [study] = parse_studies(STUDY.format(trouble="none").partition("notify")[0], "told.yaml")
    assert "notify" not in dump_study(study)
    assert "failures_alike" not in dump_study(study), "an earlier saddle, as a night may run, doesn't know it"
