"""Early stopping that can stop no trial."""

from __future__ import annotations

from saddle.analyse.text.formatting import plural
from saddle.study.models import Study


def unreached_stopping(study: Study, epochs: float | None, trials: int | None = None) -> str:
    """Why the search's early stopping can stop no trial of at most so many `epochs`; empty if it can.

    A trial that has trained its last epoch has nothing left to stop. `trials` is the number that the search has in all.
    """
    if study.early_stopping.name == "none":
        return ""
    grace = study.early_stopping.options.grace_epochs
    if epochs is not None and grace >= epochs:
        longer = "as long as" if grace == epochs else "longer than"
        return (
            f"early stopping can stop no trial: its grace period of {plural(grace, 'epoch')} is {longer} the training"
            f" ({epochs:g})"
        )
    first = getattr(study.early_stopping.options, "startup_trials", 0)
    if trials is not None and first >= trials:
        return f"early stopping can stop no trial: it waits for {first} that have ended, and there are {trials} in all"
    return ""
