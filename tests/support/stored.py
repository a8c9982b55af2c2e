"""Studies in a storage with invented trials, for testing readers of ledgers without training."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from saddle.archive.studies import settle_study
from saddle.design import Replicate, make_arms, replicates
from saddle.design.blocks import block_list
from saddle.store.base import Store
from saddle.store.ledger.ledger import Ledger
from saddle.store.open import trial_folder
from saddle.study.models import Study
from saddle.studyfile.loader import parse_studies
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from tests.support.records import make_record

Measure = Callable[[Replicate], Mapping[str, float] | str]
"""The metrics of a replicate; a text is the outcome of one that did not complete."""


Predict = Callable[[Replicate], Mapping[str, Any]]
"""The arrays (`labels`, `predictions.clean`, …) of a replicate."""


def store_ablation(
    store: Store,
    text: str,
    measure: Measure,
    when: float = 1_700_000_000.0,
    predict: Predict | None = None,
    **facts: Any,
) -> Study:
    """Store the ablation written in `text` with every replicate ended; `facts` are fingerprints of all of them."""
    [study] = parse_studies(text, "stored.yaml", stored=True)
    assert study.ablation is not None
    baseline = dict(study.ablation.baseline)
    settle_study(store, study, baseline, fresh=False)
    arms = make_arms(study.ablation, baseline, study.settings)
    blocks = block_list(study.ablation.blocks)
    for place, replicate in enumerate(replicates(arms, study.ablation.seed_list, blocks)):
        measured = measure(replicate)
        completed = not isinstance(measured, str)
        settings = {**replicate.arm.settings, **replicate.block}
        Ledger(store, RunId(study.study)).add(
            make_record(
                key=replicate.key, study=study.study, seed=replicate.seed,
                outcome="completed" if completed else str(measured),
                params={**study.settings, **settings}, settings=settings,
                metrics=dict(measured) if not isinstance(measured, str) else {}, arm=replicate.arm.name,
                block=dict(replicate.block), seconds=10.0,
                started=when + 10 * place, ended=when + 10 * place + 10, epochs=3,
                fingerprints={**facts, "seed": replicate.seed},
                arrays=store_arrays(store, study, replicate, predict(replicate) if predict and completed else {}),
            )
        )  # fmt: skip
    return study


def rewrite_entry(store: Store, entry: TrialRecord) -> None:
    """Change a trial in the ledger, which no driver does."""
    ledger = Ledger(store, RunId(entry.study))
    ledger.remove(entry.key)
    ledger.add(entry)


def store_arrays(store: Store, study: Study, replicate: Replicate, arrays: Mapping[str, Any]) -> dict[str, str]:
    """Store a replicate's arrays as a trial would; returns their paths."""
    paths = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        paths[name] = f"{trial_folder(RunId(study.study), replicate.key)}/arrays/{name}.npy"
        store.write(paths[name], buffer.getvalue())
    return paths
