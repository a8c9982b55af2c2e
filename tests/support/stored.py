"""Studies as they lie in a storage, with invented trials: what reads ledgers can be tested without training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from saddle.archive.studies import settle_study
from saddle.design import Replicate, make_arms, replicates
from saddle.store.base import Store
from saddle.store.entry import Entry
from saddle.store.ledger import Ledger
from saddle.study.loader import parse_studies
from saddle.study.models import Study

Measure = Callable[[Replicate], Mapping[str, float] | str]
"""What a replicate measures; a text is the outcome of one that did not complete."""


def store_ablation(store: Store, text: str, measure: Measure, when: float = 1_700_000_000.0, **facts: Any) -> Study:
    """Store the ablation written in `text` with every replicate ended; `facts` are fingerprints of all of them."""
    [study] = parse_studies(text, "stored.yaml")
    assert study.ablation is not None
    baseline = dict(study.ablation.baseline)
    settle_study(store, study, baseline, fresh=False)
    arms = make_arms(study.ablation, baseline, study.settings)
    for place, one in enumerate(replicates(arms, study.ablation.seed_list)):
        found = measure(one)
        completed = not isinstance(found, str)
        Ledger(store, study.study).add(
            Entry(
                key=one.key, study=study.study, seed=one.seed, outcome="completed" if completed else str(found),
                params={**study.settings, **one.arm.settings}, settings=dict(one.arm.settings),
                metrics=dict(found) if not isinstance(found, str) else {}, arm=one.arm.name, seconds=10.0,
                started=when + 10 * place, ended=when + 10 * place + 10, epochs=3,
                fingerprints={**facts, "seed": one.seed},
            )
        )  # fmt: skip
    return study
