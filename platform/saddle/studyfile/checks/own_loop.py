"""What a study must say itself where its trainable is a function that declares no metrics."""

from __future__ import annotations

from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path
from trainables.contract import complete_metric

COMPARED: Path = ("ablation", "compare", "metric")


def check_own_loop(draft: Draft) -> None:
    """An ablation names the metric that it compares, one that is measured and whose better direction is known."""
    if not draft.loaded.open_metrics:
        return
    for path in (*((section, "seed") for section in ("fixed", "search", "evaluate")), ("ablation", "factors", "seed")):
        if path in draft.document.places:
            draft.refuse(
                path, "a trial's seed is not a setting: each has its own, and a replicate another one", "leave it out"
            )
    if not draft.is_ablation:
        if not draft.loaded.selection and not draft.is_search:
            right = "write METRICS and SELECTION in the file of the function"
            draft.refuse(("trainable",), f"{draft.loaded.name} declares no metric, and none chooses checkpoints", right)
        return
    compare = draft.ablation.get("compare")
    metric = None if compare is None else compare.metric
    if not metric:
        right = "add compare: {metric: validation/accuracy}, or METRICS and SELECTION in the file of the function"
        draft.refuse(("ablation",), f"{draft.loaded.name} declares no metric, and nothing says what is compared", right)
        return
    if metric.startswith("test/") and "evaluate" in draft.loaded.lacks:
        what = f"{metric} is not measured: there is no evaluate(config, state, run) in the file of the function"
        draft.refuse(COMPARED, what, f"write one, or compare validation/{metric.partition('/')[2]}")
    if metric in draft.loaded.metrics and not is_direction_known(draft, metric):
        right = f'write METRICS = {{"{metric}": "minimize"}} in the file of the function, or "maximize"'
        draft.refuse(COMPARED, f"nothing says whether {metric} is better large or small", right)


def is_direction_known(draft: Draft, metric: str) -> bool:
    """Whether an objective of the file says it, or the metric's name does."""
    terms = draft.loaded.source.terms
    named = complete_metric(metric)
    return bool(terms.metrics.get(metric)) or named.direction == "minimize" or named.is_fraction or bool(named.role)
