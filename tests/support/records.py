"""Records of trials for tests, from the names of their parts' fields, as a reader of the ledger gets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from saddle.store.ledger.record_parquet import assemble
from saddle.trial.measurement import Measurement
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord
from saddle.trial.run_id import RunId
from saddle.trial.spec import TrialSpec

PARTS = {"spec", "progress", "measurement", "run"}
FIELDS = {field.name for part in (TrialSpec, TrialProgress, Measurement, TrialRecord) for field in fields(part)} - PARTS


def make_record(
    key: str,
    study: str,
    seed: int,
    outcome: str,
    params: Mapping[str, Any],
    settings: Mapping[str, Any],
    metrics: Mapping[str, float],
    **more: Any,
) -> TrialRecord:
    """The record of an ended trial; `more` are other fields of its parts, `measured` when it was measured again."""
    parts = {"key": key, "seed": seed, "outcome": outcome, "params": params, "settings": settings, "metrics": metrics,
             "attempts": 1, **more}  # fmt: skip
    parts["when"] = parts.pop("measured", 0.0)
    assert set(parts) <= FIELDS, f"no part of a record has {set(parts) - FIELDS}"
    [record] = assemble({name: [value] for name, value in {**parts, "study": RunId(study)}.items()})
    return record


def changed(record: TrialRecord, **changes: Any) -> TrialRecord:
    """The record with other fields in its parts."""
    present = {name: getattr(record, name) for name in FIELDS - {"when"}}
    return make_record(**{**present, "study": record.study, "measured": record.measured, **changes})
