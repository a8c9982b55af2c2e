"""By which metric a study chooses."""

from __future__ import annotations

from saddle.study.declarations import Declarations
from saddle.study.models import Objective, Study


def own_objective(declared: Declarations) -> Objective:
    """The metric by which the trainable itself selects checkpoints."""
    return Objective.model_validate({declared.selected.direction: declared.selection})


def selection_of(study: Study, declared: Declarations) -> Objective:
    """The metric that chooses checkpoints and the best trial: the single objective, else the trainable's own."""
    single = study.objective is not None and len(study.objective) == 1
    return study.objective[0] if study.objective and single else own_objective(declared)
