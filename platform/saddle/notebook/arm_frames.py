"""Arms and effects of an ablation as data frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from saddle.analyse.arms.effect import Effect
from saddle.analyse.best import value_of
from saddle.analyse.study_results import StudyResults
from saddle.design import Arm
from saddle.notebook.frames import spread
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

if TYPE_CHECKING:
    from pandas import DataFrame

LEVEL = 0.95
NUMBERS = ("mean", "sd", "low", "high", "minimum", "maximum", "last_mean")
ENDS = [str(outcome) for outcome in Outcome if outcome not in (Outcome.COMPLETED, Outcome.PREEMPTED)]


def arms(results: StudyResults) -> DataFrame:
    """A row for each arm (see `LoadedStudy.arms`)."""
    import pandas as pd

    named, metric = results.named_arms, results.answer.metric.name
    rows = [row(name, arm, results.of_arm(arm), metric) for name, arm in named.items()]
    columns = ["arm", "is_baseline", "metric", "completed", *NUMBERS, *ENDS]
    settings = spread("settings", [arm.settings for arm in named.values()])
    frame = pd.DataFrame({name: [row[name] for row in rows] for name in columns} | settings)
    return frame.astype(dict.fromkeys(NUMBERS, float))


def row(name: str, arm: Arm, entries: Sequence[TrialRecord], metric: str) -> dict[str, Any]:
    """What is known of an arm."""
    import numpy as np
    from scipy import stats

    completed = [entry for entry in entries if entry.outcome == Outcome.COMPLETED]
    values = [value for entry in completed if (value := value_of(entry, metric)) is not None]
    last = [entry.test_last[metric] for entry in completed if entry.test_last.get(metric) is not None]
    n, nothing = len(values), float("nan")
    mean = float(np.mean(values)) if values else nothing
    sd = float(np.std(values, ddof=1)) if n > 1 else nothing
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * sd / np.sqrt(n) if n > 1 else nothing
    ends = Counter(entry.outcome for entry in entries)
    return {
        "arm": name,
        "is_baseline": arm.is_baseline,
        "metric": metric,
        "completed": n,
        "mean": mean,
        "sd": sd,
        "low": mean - half,
        "high": mean + half,
        "minimum": min(values, default=nothing),
        "maximum": max(values, default=nothing),
        "last_mean": float(np.mean(last)) if last else nothing,
        **{end: ends[end] for end in ENDS},
    }


def effects(judged: Sequence[Effect]) -> DataFrame:
    """A row for each effect (see `LoadedStudy.effects`)."""
    import pandas as pd

    names = [field.name for field in fields(Effect) if field.name != "differences"]
    names.insert(names.index("metric") + 1, "direction")
    return pd.DataFrame({name: [plain(getattr(effect, name)) for effect in judged] for name in names})


def plain(value: Any) -> Any:
    """A field as a column can hold it: metrics, verdicts and notes as text."""
    if isinstance(value, tuple):
        return "; ".join(value)
    return str(value) if isinstance(value, str | Metric) else value
