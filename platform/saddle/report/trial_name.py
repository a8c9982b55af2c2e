"""The displayed name of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from saddle.analyse.searches.search import search_trial_name
from saddle.design.blocks import replicate_name
from saddle.trial.record import TrialRecord


def trial_name(entry: TrialRecord, names: Mapping[str, str] = MappingProxyType({})) -> str:
    """`trial 7` in a search, `mp, seed 2` in an ablation (and its block); `names`: displayed names of arms."""
    if entry.arm is not None:
        return replicate_name(names.get(entry.arm, entry.arm), entry.seed, entry.block)
    return search_trial_name(entry)
