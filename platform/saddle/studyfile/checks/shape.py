"""Which sections go together, which need each other, and what the documents of one file share."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.study.models import ONLY_IN_A_SEARCH
from saddle.study.nearest import nearest
from saddle.studyfile.draft import Draft


def check_file(drafts: Sequence[Draft]) -> None:
    """Every study of a file needs a different name."""
    first: dict[str, Draft] = {}
    for draft in drafts:
        name = draft.sections.get("study")
        if name in first:
            first_place = first[name].document.place(("study",))
            draft.refuse(
                ("study",), f"the name {name} is taken by the study at {first_place}", "give every study its own name"
            )
        elif name is not None:
            first[name] = draft


def check_shape(draft: Draft) -> None:
    """A study is a search with objective and budget, an ablation, or a relation."""
    if not isinstance(draft.document.value, dict):
        return
    kinds = draft.kinds
    if kinds == ["search", "ablation"]:
        right = "write two documents with --- between them; baseline: {best_of: STUDY} links the second to the first"
        draft.refuse(("ablation",), "a study is a search or an ablation, and this one has both", right)
    elif len(kinds) > 1:
        what = f"a study is a search, an ablation or a relation, and this one has {' and '.join(kinds)}"
        draft.refuse(("relation",), what, "write two documents with --- between them")
    elif not kinds:
        right = "add search: {lr: {float: [1e-4, 1e-1], log: true}} or ablation: {factors: {NAME: [A, B]}}"
        draft.refuse((), "there is neither a search nor an ablation", right)
    elif not draft.is_search:
        kind = "an ablation" if draft.is_ablation else "a relation"
        for name in ONLY_IN_A_SEARCH:
            if draft.raw.get(name) not in (None, []):
                draft.refuse((name,), f"{name} belongs to a search, and this is {kind}", "leave it out")
    else:
        _check_search_is_whole(draft)
    _check_trainable_names(draft)


def _check_search_is_whole(draft: Draft) -> None:
    if "objective" not in draft.raw and "objective" not in draft.misspelt:
        right = f"add objective: {{maximize: {draft.trainable.selection if draft.trainable else 'METRIC'}}}"
        draft.refuse(("search",), "a search needs an objective", right)
    _check_asked(draft)
    stopping = draft.section("early_stopping")
    if len(draft.objectives) > 1 and stopping is not None and stopping.name != "none":
        count = f"{len(draft.objectives)} objectives"
        what = f"{stopping.name} can't stop trials early with {count}: no single one says which trial is worse"
        draft.refuse(("early_stopping",), what, "choose one objective, or early_stopping: none")
    budget, sampler = draft.section("budget"), draft.section("sampler")
    if "budget" in draft.misspelt or budget is None or sampler is None or sampler.name == "grid":
        return
    if budget.trials is None and budget.hours is None:
        path = ("budget",) if "budget" in draft.raw else ("search",)
        draft.refuse(path, "this search has no end", "add budget: {trials: 64} or budget: {hours: 6}")


def _check_asked(draft: Draft) -> None:
    """What a search's question is about is searched."""
    parameter, searched = draft.sections.get("asks"), draft.mapping("search")
    if parameter is not None and parameter not in searched:
        path = ("asks",) if ("asks",) in draft.document.places else ("search", "asks")
        right = f"name one of: {', '.join(searched)}"
        draft.refuse(
            path, f"the question is about {parameter}, which is not searched", right, nearest(parameter, searched)
        )


def _check_trainable_names(draft: Draft) -> None:
    if draft.trainable is None:
        return
    trainable = draft.sections["trainable"]
    for section, names in (
        ("recipe", draft.trainable.recipes),
        ("scale", draft.trainable.scales),
    ):
        name = draft.sections.get(section)
        if name is not None and name not in names:
            known = f"{trainable} has: {', '.join(names)}" if names else f"{trainable} has none; remove this line"
            draft.refuse((section,), f"unknown {section} {name!r}", known, nearest(name, names))
