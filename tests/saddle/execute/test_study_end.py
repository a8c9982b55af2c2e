"""From the driver to the report, the end of a study answers once and makes its arms once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from saddle.analyse import ablation, study_results
from saddle.design import study_arms
from saddle.store.local import LocalStore
from tests.support.in_process import run_in_process

STUDY = """
study: tiny
question: Does x help?
trainable: parabola
ablation: {baseline: {x: 0.9}, factors: {x: [0.9, 0.3]}, seeds: 2, compare: {metric: test/score}}
checkpoints: {best: 1}
"""


def test_a_study_answers_once_and_makes_its_arms_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()

    def count(module: Any, name: str) -> None:
        work: Callable[..., Any] = getattr(module, name)

        def counted(*args: Any, **named: Any) -> Any:
            calls[name] += 1
            return work(*args, **named)

        monkeypatch.setattr(module, name, counted)

    count(study_results, "answer_study")
    for module in (study_arms, ablation):  # whose names the rest calls; a study file's check is not counted
        count(module, "make_arms")
    [ended] = run_in_process(LocalStore(tmp_path), STUDY, track=False)
    assert (tmp_path / "studies/tiny/report.html").exists()
    assert ended.answer.sentence
    assert calls == {"answer_study": 1, "make_arms": 1}
