"""What a study file says of its nights, as the decisions take it, and the study that a night trains."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.result import compared_metric
from saddle.design import Arm, labels
from saddle.design.study_arms import arms_of_study
from saddle.errors import UserError
from saddle.nightly.decision.policy import Policy, Watched
from saddle.study.models import Study
from saddle.study.nightly import Nightly
from saddle.study.trainable.declarations import Declarations
from saddle.studyfile.loader import load_studies


def load_nightly(file: str, settings: Sequence[str] = ()) -> Study:
    """The one study with a `nightly` in a file or packaged study; raises `UserError` if there is none, or several.

    `FILE:STUDY` names one of several.
    """
    nightlies = [study for study in load_studies(file, settings) if study.nightly is not None]
    if not nightlies:
        raise UserError(f"no study of {file} has a section nightly; add nightly: {{}} to the ablation that is repeated")
    if len(nightlies) > 1:
        names = ", ".join(study.study for study in nightlies)
        raise UserError(
            f"{file} has several nightlies; name one, as in {file}:{nightlies[0].study} (there are: {names})"
        )
    return nightlies[0]


def section(study: Study) -> Nightly:
    """What the study says of its nights."""
    assert study.nightly is not None  # `load_nightly` gives no other
    return study.nightly


def arms_of(study: Study) -> list[Arm]:
    """The arms that are repeated, the baseline first."""
    assert study.ablation is not None
    return arms_of_study(study, dict(study.ablation.baseline))


def policy_of(study: Study, declared: Declarations) -> Policy:
    """What is trained on a night, and which metrics may not get worse: the compared one, and those of `not_worse`."""
    assert study.ablation is not None
    nightly, ablation = section(study), study.ablation
    compared = compared_metric(study, declared)
    metrics = dict.fromkeys([compared.name, *ablation.compare.not_worse])
    first = ablation.seed_list[0]
    return Policy(
        arms=tuple(labels(arms_of(study))),
        watched=tuple(Watched(name, declared.metric(name).direction) for name in metrics),
        seeds=tuple(range(first, first + nightly.pool)),
        rotation=nightly.rotation,
        rule="cusum" if study.resources.gpus_per_worker else "exact",
    )


def study_of_seeds(study: Study, seeds: Sequence[int], *, hours: float | None = None, on_cpu: bool = False) -> Study:
    """The ablation with these seeds, as any saddle reads it: without what an earlier one may not know.

    `hours` limits how long it runs. The canary runs `on_cpu`, where its numbers are exact.
    """
    assert study.ablation is not None
    ablation = study.ablation.model_copy(update={"seeds": list(seeds)})
    budget = study.budget.model_copy(update={"hours": hours, "failures_alike": None})
    gpus = {"gpus_per_worker": 0.0} if on_cpu else {}
    resources = study.resources.model_copy(update={"trials_per_gpu": None, "sharing": None, **gpus})
    unknown = {"nightly": None, "notify": None}
    return study.model_copy(update={"ablation": ablation, "budget": budget, "resources": resources, **unknown})
