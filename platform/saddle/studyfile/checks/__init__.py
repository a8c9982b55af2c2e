"""What a model can't see: whether the sections of a study fit each other, its trainable, and the file around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from saddle.errors import TrainableError
from saddle.study.nearest import nearest
from saddle.study.trainables import LoadedTrainable, complete_trainable, load_trainable
from saddle.studyfile.checks.ablation import check_ablation
from saddle.studyfile.checks.components import find_components
from saddle.studyfile.checks.conditions import check_conditions
from saddle.studyfile.checks.metrics import check_metrics
from saddle.studyfile.checks.nightly import check_nightly
from saddle.studyfile.checks.published import check_published
from saddle.studyfile.checks.sampler import check_sampler
from saddle.studyfile.checks.search import check_search
from saddle.studyfile.checks.settings import check_names, check_settings
from saddle.studyfile.checks.shape import check_file, check_shape
from saddle.studyfile.draft import Draft

__all__ = ["check"]


def check(drafts: Sequence[Draft], trainables: Mapping[str, Any] | None = None, *, stored: bool = False) -> None:
    """Note every mistake that shows only when sections are seen together; `trainables` replaces the installed ones.

    What is `stored` was accepted once, and is not held against a trainable that may have changed since, or be gone.
    """
    check_file(drafts)
    # once for a file: looking through the installed packages takes 18 ms
    load = lru_cache(maxsize=None)(lambda name: _load(name, trainables))
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
            check_names(draft)
            check_settings(draft)
            check_search(draft)
            check_ablation(draft, drafts)


def _find_trainable(draft: Draft, load: Callable[[str], LoadedTrainable | TrainableError]) -> None:
    name = draft.sections.get("trainable")
    loaded = load(name) if name is not None else None
    if isinstance(loaded, TrainableError):
        draft.refuse(("trainable",), loaded.what, loaded.right, loaded.nearest)
    else:
        draft.trainable = loaded


def _load(name: str, trainables: Mapping[str, Any] | None) -> LoadedTrainable | TrainableError:
    """The trainable, or the error that says why there is none."""
    try:
        if trainables is None:
            return load_trainable(name)
        if name in trainables:
            return complete_trainable(name, trainables[name])
    except TrainableError as error:
        return error
    known = f"installed are: {', '.join(trainables) or 'none'}"
    return TrainableError(f"unknown trainable {name!r}", known, nearest(name, trainables))
