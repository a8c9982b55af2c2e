"""Results of a study without a storage, for tests of their readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saddle.analyse.study_results import StudyResults
from saddle.design.study_arms import arms_of_study
from saddle.study.models import Study
from saddle.study.trainable.declarations import Declarations
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId


def results_of(
    study: Study,
    declared: Declarations,
    records: Sequence[TrialRecord],
    baseline: Mapping[str, Any] | None = None,
    name: str = "",
) -> StudyResults:
    """The results of these records of a study; `name`: the name of the run, if not the study's."""
    return StudyResults(RunId(study.study, "", name), study, declared, records, arms_of_study(study, baseline))
