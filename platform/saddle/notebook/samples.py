"""Predictions of single test samples as data frames, and models compared on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from saddle.analyse.evaluation.predictions import Predictions, SampleTest, mcnemar, read_predictions
from saddle.analyse.evaluation.sample_pairs import pair_samples
from saddle.analyse.study_results import StudyResults
from saddle.archive.lookup import FoundTrial
from saddle.design import Arm
from saddle.errors import NoPredictions, NotFound, TooMany, UserError
from saddle.notebook.frames import Called, repeated, spread
from saddle.store.base import Store
from saddle.study.nearest import nearest
from saddle.trial.record import TrialRecord
from trainables.contract import PREDICTIONS

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_ROWS = 50_000_000


def predictions(entries: Sequence[TrialRecord], called: Called, store: Store, *, required: bool = False) -> DataFrame:
    """A row for each sample (see `LoadedStudy.predictions`); `required` raises where a trial has none stored."""
    import numpy as np
    import pandas as pd

    stored: list[tuple[TrialRecord, Predictions]] = []
    rows = 0
    for entry in entries:
        try:
            read = read_predictions(entry, store.read)
        except NoPredictions:
            if required:
                raise
            continue
        stored.append((entry, read))
        rows += len(read.labels)
        if rows > MOST_ROWS:
            raise TooMany(
                f"{len(stored)} of {len(entries)} trials alone have {rows:,} predictions; "
                "predictions_of(TRIAL) gives those of one"
            )
    lengths = [len(read.labels) for _, read in stored]
    names = list(dict.fromkeys(name for _, read in stored for name in read.predicted))
    columns: dict[str, Any] = repeated([entry for entry, _ in stored], lengths, called)
    columns["sample"] = np.concatenate([np.arange(n, dtype=np.int32) for n in lengths] or [np.zeros(0, dtype=np.int32)])
    columns["label"] = joined([read.labels for _, read in stored])
    for name in names:
        columns[PREDICTIONS + name] = joined([read.predicted.get(name, unknown(read)) for _, read in stored])
    columns["right"] = np.concatenate([read.right() for _, read in stored] or [np.zeros(0, dtype=bool)])
    return pd.DataFrame(columns)


def joined(arrays: Sequence[Any]) -> Any:
    """Arrays one after the other, whole numbers in the fewest bytes that hold them."""
    import numpy as np

    whole = np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64)
    if not np.issubdtype(whole.dtype, np.integer) or not whole.size:
        return whole
    return whole.astype(np.result_type(np.min_scalar_type(whole.min()), np.min_scalar_type(whole.max())))


def unknown(read: Predictions) -> Any:
    """The value for predictions under an attack that a trial was not tested with."""
    import numpy as np

    return np.full(len(read.labels), np.nan)


def compare(
    pick: Callable[[str], FoundTrial],
    results: StudyResults,
    store: Store,
    arm: str,
    baseline: str | None,
    under: str,
) -> DataFrame:
    """McNemar's tests of an arm against another, or of two trials (see `LoadedStudy.compare_samples`)."""
    arms = results.named_arms
    named = {**arms, **{each.key: each for each in arms.values()}, **{each.name: each for each in arms.values()}}
    base = baseline if baseline is not None else results.baseline
    if base is None:
        raise UserError(
            f"{arm!r} is not compared with another arm; name two trials of a search: compare_samples(TRIAL, TRIAL)"
        )
    if arm in named and base in named:
        ours, theirs = (results.of_arm(named[name]) for name in (arm, base))
        [paired] = pair_samples({arm: ours}, theirs, store, against=base, under=under)
        return table(paired.tests)
    record, other = (found(name, pick, named) for name in (arm, base))
    test = mcnemar(read_predictions(record, store.read), read_predictions(other, store.read), under)
    return table([test])


def found(name: str, pick: Callable[[str], FoundTrial], named: Mapping[str, Arm]) -> TrialRecord:
    """The trial of this name; raises `NotFound` with the nearest arm or trial."""
    if name in named:
        raise NotFound(f"{name!r} is an arm, and the other is none; name two arms or two trials")
    try:
        return pick(name).entry
    except NotFound as error:
        hint = nearest(name, named)
        known = f"; did you mean the arm {hint}?" if hint else f"; the arms are {', '.join(named)}" if named else ""
        raise NotFound(f"{error}{known}") from None


def table(tests: Sequence[SampleTest]) -> DataFrame:
    """The tests as a frame."""
    import pandas as pd

    rows = [{**asdict(test), "difference": test.difference} for test in tests]
    names = (
        *("arm", "baseline", "seed", "under", "n", "groups", "both", "only_arm", "only_baseline", "neither"),
        *("difference", "p"),
    )
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
    blocks = spread("block", [test.block for test in tests])
    return pd.DataFrame({**{name: columns[name] for name in names[:3]}, **blocks, **columns})
