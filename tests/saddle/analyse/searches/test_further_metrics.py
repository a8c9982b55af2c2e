"""Further metrics of a search (`also`): shown in its table, which changes nothing that the search learns from."""

from __future__ import annotations

import pytest

from saddle.analyse.searches.search import answer_search
from saddle.errors import StudyError
from saddle.studyfile.loader import parse_studies
from tests.support.declared import declare
from tests.support.records import make_record


def test_further_metrics_are_shown_beside_the_objective() -> None:
    text = "study: s\ntrainable: parabola\nsearch: {x: {float: [0, 1]}}\nobjective: {maximize: validation/score}\n"
    [study] = parse_studies(text + "sampler: random\nbudget: {trials: 3}\nalso: [test/*, validation/score]\n", "s.yaml")
    metrics = {"validation/score": 0.5, "test/score": 0.25, "train/loss": 1.0}
    trial = make_record("trial-00000", "s", 0, "completed", {}, {"x": 0.5}, metrics, number=0, epochs=2)
    answer = answer_search(study, [trial], declare({"validation/score": "maximize", "test/score": "maximize"}))
    assert answer.columns == ("trial", "validation score", "test score", "x", "epochs")
    assert answer.rows == (("0", "0.500", "0.250", "0.5", "2"),)


def test_a_further_metric_that_is_misspelt_is_told() -> None:
    text = "study: s\ntrainable: parabola\nsearch: {x: {float: [0, 1]}}\nobjective: {maximize: validation/score}\n"
    with pytest.raises(StudyError, match=r"test/scroe.*test/score"):
        parse_studies(text + "sampler: random\nbudget: {trials: 3}\nalso: [test/scroe]\n", "s.yaml")
