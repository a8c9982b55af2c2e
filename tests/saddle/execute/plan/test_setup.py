"""Studies whose own settings are not valid configuration until something is searched."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from saddle.execute.plan.study_plan import plan_study
from saddle.store.local import LocalStore
from saddle.study.known_values import known_values
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies
from trainables.contract import resolve

STUDY = """
study: tasks
trainable: adversarial_training
fixed: {dataset: digits, perturbation: mp}
search:
  tasks: {choice: [[odd_even], [prime_composite]]}
  alpha0_min: {float: [0.5, 0.9], when: {network: lenet}}
objective: {maximize: validation/robust_accuracy.worst_case}
sampler: random
budget: {trials: 2}
"""


@pytest.fixture
def study() -> Study:
    [found] = parse_studies(STUDY, "tasks.yaml")
    trainable = load_trainable(found.trainable)
    with pytest.raises(ValidationError, match="needs auxiliary tasks"):
        resolve(trainable, found.settings)
    return found


def test_conditions_are_judged_by_defaults_and_fixed_values_but_not_by_what_is_searched(study: Study) -> None:
    known = known_values(study)
    assert (known["network"], known["perturbation"]) == ("lenet", "mp")
    assert not {"tasks", "alpha0_min"} & set(known)


def test_such_a_study_can_be_planned(study: Study, tmp_path: Path) -> None:
    plan = plan_study(study, LocalStore(tmp_path))
    assert plan.trials == 2
    assert plan.config["tasks"] == {"odd_even": {}}
    assert not any("never searched" in note for note in plan.notes)
