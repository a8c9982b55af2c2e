"""What a model can't see: whether the sections of a study fit each other, its trainable, and the file around it."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.errors import TrainableError
from saddle.studyfile.checks.ablation import check_ablation
from saddle.studyfile.checks.components import find_components
from saddle.studyfile.checks.conditions import check_conditions
from saddle.studyfile.checks.metrics import check_metrics
from saddle.studyfile.checks.nightly import check_nightly
from saddle.studyfile.checks.own_loop import check_own_loop
from saddle.studyfile.checks.published import check_published
from saddle.studyfile.checks.relation import check_relation
from saddle.studyfile.checks.sampler import check_sampler
from saddle.studyfile.checks.search import check_search
from saddle.studyfile.checks.settings import check_names, check_settings
from saddle.studyfile.checks.shape import check_file, check_shape
from saddle.studyfile.checks.shared_gpus import check_shared_gpus
from saddle.studyfile.draft import Draft
from saddle.studyfile.trainable_loader import Loader

__all__ = ["check"]


def check(drafts: Sequence[Draft], load: Loader, *, stored: bool = False) -> None:
    """Note every mistake that shows only when sections are seen together; `load` finds the trainables.

    What is `stored` was accepted once, and is not held against a trainable that may have changed since, or be gone.
    """
    check_file(drafts)
    for draft in drafts:
        if not stored:
            _find_trainable(draft, load)
        check_shape(draft)
        check_metrics(draft)
        check_published(draft)
        check_nightly(draft)
        check_sampler(draft)
        check_conditions(draft)
        if draft.trainable is not None:
            find_components(draft)
            check_own_loop(draft)
            check_shared_gpus(draft)
            check_names(draft)
            check_settings(draft)
            check_search(draft)
            check_ablation(draft, drafts)
            check_relation(draft)


def _find_trainable(draft: Draft, load: Loader) -> None:
    name = draft.sections.get("trainable")
    loaded = load(name) if name is not None else None
    if isinstance(loaded, TrainableError):
        draft.refuse(("trainable",), loaded.what, loaded.right, loaded.nearest)
    else:
        draft.trainable = loaded
