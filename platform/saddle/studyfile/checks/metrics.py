"""Metrics: that they exist, are improved in their direction, and that a search never sees the test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from saddle.study.models import Constraint
from saddle.study.nearest import nearest
from saddle.study.trainable.declarations import UNDECLARED
from saddle.study.trainable.metric_groups import families
from saddle.study.trainable.metrics import in_points, too_large
from saddle.studyfile.draft import Draft
from saddle.studyfile.problem import Path
from trainables.contract import Metric


def check_metrics(draft: Draft) -> None:
    """Check the metrics of objectives, constraints and the comparison."""
    first_places: dict[str, Path] = {}
    for path, objective in draft.objectives.items():
        where = (*path, objective.direction)
        if not _may_choose(draft, where, objective.metric):
            continue
        if objective.metric in first_places:
            draft.refuse(where, f"{objective.metric} is an objective already", "name each metric once")
        first_places.setdefault(objective.metric, where)
        better = draft.trainable.metric(objective.metric).direction if draft.trainable else objective.direction
        if better != objective.direction:
            what = f"{objective.direction} {objective.metric} would search for the worst; {better} it"
            draft.refuse(where, what, f"write {{{better}: {objective.metric}}}")
    for path, constraint in draft.constraints.items():
        if _may_choose(draft, path, constraint.metric):
            _check_bound(draft, path, constraint)
    _check_selection(draft)
    compare = draft.ablation.get("compare")
    if compare is not None and compare.metric is not None:
        check_compared(draft, ("ablation", "compare", "metric"), compare.metric)
    if compare is not None and draft.trainable is not None:
        compared = draft.trainable.metric(compare.metric or draft.trainable.selection)
        check_scale(draft, compared, compare.scale, ("ablation", "compare", "scale"))
        _check_guards(draft, compare.not_worse)
        if compare.equivalence is not None and compare.scale == "linear":
            _check_margin(draft, compared, compare.equivalence)
    if compare is not None and draft.trainable is not None:
        for index, pattern in enumerate(compare.also):
            _check_pattern(draft, ("ablation", "compare", "also", index), pattern)
        _check_ranks(draft, compare.ranks)
        for index, pattern in enumerate(compare.each):
            _check_judged(draft, ("ablation", "compare", "each", index), pattern)
    for index, pattern in enumerate(draft.raw.get("also") or ()):
        if draft.is_search and isinstance(pattern, str):
            _check_pattern(draft, ("also", index), pattern)


def _check_selection(draft: Draft) -> None:
    """What chooses checkpoints is a validation metric, and no search with one objective names another."""
    of_ablation, of_search = draft.ablation.get("selected_by"), draft.sections.get("selected_by")
    if of_ablation is not None:
        _may_choose(draft, ("ablation", "selected_by"), of_ablation)
    if of_search is None or not draft.is_search:
        return
    if len(draft.objectives) == 1:
        what = "the objective of a search chooses its checkpoints"
        draft.refuse(("selected_by",), what, "leave it out, or name several objectives")
    else:
        _may_choose(draft, ("selected_by",), of_search)


def _check_ranks(draft: Draft, ranks: Mapping[str, Sequence[str]]) -> None:
    """Arms are ranked by metrics that there are, and not on the data that they were trained on."""
    for group, patterns in ranks.items():
        for index, pattern in enumerate(patterns):
            path: Path = ("ablation", "compare", "ranks", group, index)
            if pattern.startswith("train/"):
                what = "arms are ranked on data that they weren't trained on"
                draft.refuse(path, what, "use test/ or validation/ metrics")
            else:
                _check_pattern(draft, path, pattern)


def _check_pattern(draft: Draft, path: Path, pattern: str) -> None:
    """A pattern of metrics fits one that the trainable declares."""
    if draft.trainable is not None and not any(fnmatchcase(name, pattern) for name in draft.trainable.metrics):
        _exists(draft, path, pattern, ("test/", "validation/", "train/"))


def _check_judged(draft: Draft, path: Path, pattern: str) -> None:
    """A pattern of metrics that arms are judged by fits some that are measured on other data than training's."""
    if pattern.startswith("train/"):
        draft.refuse(path, "arms are compared on data that they weren't trained on", "use test/ or validation/ metrics")
    else:
        _check_pattern(draft, path, pattern)


def check_compared(draft: Draft, path: Path, metric: str | None) -> None:
    """The metric by which arms are compared exists, and is measured on other data than they were trained on."""
    if metric is not None and _exists(draft, path, metric, ("test/", "validation/")) and metric.startswith("train/"):
        draft.refuse(
            path, "arms are compared on data that they weren't trained on", "use a test/ or validation/ metric"
        )


def _check_bound(draft: Draft, path: Path, constraint: Constraint) -> None:
    """A bound is a possible value of its metric."""
    metric = (draft.trainable or UNDECLARED).metric(constraint.metric)
    if metric.bounds is None or metric.bounds[0] <= constraint.bound <= metric.bounds[1]:
        return
    kind, (low, high) = "a share, " if metric.is_fraction else "", metric.bounds
    right = f"a share's unit is 1: write {constraint.bound / 100:g} for {constraint.bound:g} %" if kind else ""
    draft.refuse(path, f"{metric} is {kind}from {low:g} to {high:g}, and {constraint.bound:g} is none", right)


def _check_guards(draft: Draft, guards: Mapping[str, float]) -> None:
    """A guard is a metric that arms are compared on, with a margin that two arms can differ by."""
    for name, margin in guards.items():
        path: Path = ("ablation", "compare", "not_worse", name)
        if not _exists(draft, path, name, ("test/", "validation/")):
            continue
        if name.startswith("train/"):
            draft.refuse(
                path, "arms are guarded on data that they weren't trained on", "use a test/ or validation/ metric"
            )
        wrong = too_large((draft.trainable or UNDECLARED).metric(name), margin)
        if wrong is not None:
            draft.refuse(path, wrong, in_points(margin))


def check_scale(draft: Draft, metric: Metric, scale: str, path: Path) -> None:
    """A metric that is compared on a scale has values there."""
    low, high = metric.bounds or (metric.low, metric.high)
    right = "use scale: linear"
    if scale == "log" and low is not None and low < 0:
        draft.refuse(path, f"{metric} can be {low:g}, and what is not positive has no logarithm", right)
    if scale == "logit" and (low, high) != (0.0, 1.0):
        bounds = "unbounded" if low is None or high is None else f"from {low:g} to {high:g}"
        draft.refuse(path, f"{metric} is {bounds}, and a logit is one of a share from 0 to 1", right)


def _check_margin(draft: Draft, metric: Metric, margin: float) -> None:
    wrong = too_large(metric, margin)
    if wrong is not None:
        draft.refuse(("ablation", "compare", "equivalence"), wrong, in_points(margin))


def _may_choose(draft: Draft, path: Path, metric: str) -> bool:
    """Whether a search may look at `metric`; notes why not."""
    split, _, name = metric.partition("/")
    if split not in ("test", "train") or not name:
        return _exists(draft, path, metric, ("validation/",))
    instead = f"validation/{name}"
    if draft.trainable is not None and instead not in draft.trainable.metrics:
        instead = draft.trainable.selection
    why = (
        "test data are for the verdict, never for choosing"
        if split == "test"
        else "training data were seen by the method and are never for choosing"
    )
    draft.refuse(path, f"{metric} is refused: {why}", f"use {instead}")
    return False


def _exists(draft: Draft, path: Path, metric: str, splits: tuple[str, ...]) -> bool:
    if draft.trainable is None or metric in draft.trainable.metrics or draft.trainable.open_metrics:
        return True
    known = [name for name in draft.trainable.metrics if name.startswith(splits)]
    near = nearest(metric, known)
    right = "" if near else f"{draft.sections['trainable']} reports: {', '.join(families(known))}"
    draft.refuse(path, f"unknown metric {metric!r}", right, near)
    return False
