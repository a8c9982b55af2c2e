"""Whether what a study trains can have its memory measured, where its trials are to share a GPU by that."""

from __future__ import annotations

from saddle.studyfile.draft import Draft


def check_shared_gpus(draft: Draft) -> None:
    """A program in any language takes its memory where no probe looks."""
    resources = draft.section("resources")
    if resources is not None and resources.trials_per_gpu is not None and draft.loaded.source.command:
        what = "the memory of a program is not measured, so the number of trials that share a GPU is unknown"
        draft.refuse(("resources", "trials_per_gpu"), what, "name the share: gpus_per_worker: 0.25")
