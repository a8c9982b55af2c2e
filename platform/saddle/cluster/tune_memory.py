"""Keeps Tune's memory of trials that are over small: a study of thousands of them runs in one Tune run."""

from __future__ import annotations

from ray.tune.experiment import Trial

from saddle.cluster.ray_internals import empty_trial

KEPT = 32
"""Finished trials that Tune may still look at: it ends a run with a table of its trials, and wants one at least."""


def forget(trials: list[Trial]) -> None:
    """Drop all but the last finished trials from Tune's own list, and what those hold that Tune keeps elsewhere, too.

    The ledger has them. Tune would keep some 25 kB of each, and look through all of them at every step.
    """
    finished = [trial for trial in trials if trial.is_finished()]
    dropped = {id(trial) for trial in finished[:-KEPT]}
    if not dropped:
        return
    for trial in finished[:-KEPT]:
        empty_trial(trial)
    trials[:] = [trial for trial in trials if id(trial) not in dropped]
