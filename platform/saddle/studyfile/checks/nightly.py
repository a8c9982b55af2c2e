"""A nightly repeats the arms of an ablation, which must be the same every night."""

from __future__ import annotations

from saddle.studyfile.draft import Draft


def check_nightly(draft: Draft) -> None:
    """Refuse a nightly without arms, and arms or seeds that another study or a race decides on."""
    if draft.sections.get("nightly") is None:
        return
    if not draft.is_ablation:
        draft.refuse(("nightly",), "a nightly repeats the arms of an ablation, and this study has none", "add ablation")
        return
    if "best_of" in draft.ablation:
        what = "the best trial of a search may change, and a nightly compares the same arms every night"
        right = "write the settings of the trial that you choose into baseline"
        path = ("ablation", "baseline", "best_of")
        draft.refuse(path if path in draft.document.places else ("ablation", "best_of"), what, right)
    race = draft.ablation.get("race")
    if race is not None and race.spending is not None:
        draft.refuse(("ablation", "race"), "a nightly plans its own looks", "leave race out")
    if draft.ablation.get("blocks"):
        draft.refuse(("ablation", "blocks"), "a nightly can't have blocks", "write a study for each of them")
