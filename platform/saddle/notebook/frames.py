"""Finished trials and their learning curves as data frames."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from saddle.trial.record import TrialRecord

if TYPE_CHECKING:
    from pandas import DataFrame

FACTS = ("outcome", "why", "epochs", "selected_epoch", "seconds", "attempts")
GROUPS = ("block", "params", "metrics", "test_last")


Called = Callable[[TrialRecord], str | None]
"""The name of an entry's arm as a reader sees it; None in a search."""


def trials(entries: Sequence[TrialRecord], called: Called) -> DataFrame:
    """A row for each entry (see `LoadedStudy.trials`)."""
    import pandas as pd

    columns: dict[str, Any] = {
        "trial": [entry.key for entry in entries],
        "arm": [called(entry) for entry in entries],
        "number": pd.array([entry.number for entry in entries], dtype="Int64"),
        "seed": [entry.seed for entry in entries],
        **{name: [getattr(entry, name) for entry in entries] for name in FACTS},
        "started": moments([entry.started for entry in entries]),
        "ended": moments([entry.ended for entry in entries]),
    }
    columns["selected_epoch"] = pd.array(columns["selected_epoch"], dtype="Int64")
    for group in GROUPS:
        columns |= spread(group, [getattr(entry, group) for entry in entries])
    return pd.DataFrame(columns)


def moments(seconds: Sequence[float]) -> Any:
    """Unix seconds as moments in UTC."""
    import pandas as pd

    return pd.to_datetime(pd.Series(seconds, dtype="float64"), unit="s", utc=True)


def spread(prefix: str, mappings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """A column `PREFIX.NAME` for every name in the mappings; lists and mappings as JSON, as in CSV."""
    names = dict.fromkeys(name for mapping in mappings for name in mapping)
    return {f"{prefix}.{name}": [cell(mapping.get(name)) for mapping in mappings] for name in names}


def cell(value: Any) -> Any:
    """A value that a column can hold."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple | Mapping) else value


def curves(entries: Sequence[TrialRecord], called: Called) -> DataFrame:
    """A row for each metric of each epoch (see `LoadedStudy.curves`)."""
    import numpy as np
    import pandas as pd

    names: dict[str, int] = {}
    # four million rows as Python objects would not fit; a name and a place are numbers until the end
    metric, epoch, value, lengths = array("i"), array("i"), array("d"), []
    for entry in entries:
        before = len(value)
        for number, point in enumerate(entry.curve, start=1):
            for name, measured in point.items():
                metric.append(names.setdefault(name, len(names)))
                epoch.append(number)
                value.append(np.nan if measured is None else measured)
        lengths.append(len(value) - before)
    return pd.DataFrame(
        {
            **repeated(entries, lengths, called),
            "epoch": np.frombuffer(epoch, dtype=np.int32) if epoch else np.zeros(0, dtype=np.int32),
            "metric": pd.Categorical.from_codes(
                list(metric) if not metric else np.frombuffer(metric, "i4"), list(names)
            ),
            "value": np.frombuffer(value, dtype=float) if value else np.zeros(0),
        }
    )


def repeated(entries: Sequence[TrialRecord], lengths: Sequence[int], called: Called) -> dict[str, Any]:
    """The columns `trial`, `arm` and `seed`, each entry's so many times."""
    import numpy as np
    import pandas as pd

    arms = [called(entry) for entry in entries]
    names = list(dict.fromkeys(arm for arm in arms if arm is not None))
    place = {arm: code for code, arm in enumerate(names)}
    of_arm = np.array([place[arm] if arm is not None else -1 for arm in arms], dtype=int)
    return {
        "trial": pd.Categorical.from_codes(
            np.repeat(np.arange(len(entries)), lengths), [entry.key for entry in entries]
        ),
        "arm": pd.Categorical.from_codes(np.repeat(of_arm, lengths), names),
        "seed": np.repeat(np.array([entry.seed for entry in entries], dtype=np.int64), lengths),
    }
