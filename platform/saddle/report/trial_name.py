"""What a reader calls a trial."""

from __future__ import annotations

from saddle.analyse.searches.search import name_of
from saddle.design.blocks import replicate_name
from saddle.trial.record import TrialRecord


def trial_name(entry: TrialRecord) -> str:
    """`trial 7` in a search, `mp, seed 2` in an ablation (and its block)."""
    if entry.arm is not None:
        return replicate_name(entry.arm, entry.seed, entry.block)
    return name_of(entry)
