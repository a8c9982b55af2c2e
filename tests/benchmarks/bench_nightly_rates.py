"""How often and how soon nights give an alarm: writes `nightly_rates.csv` and the table of docs/statistics.md."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from saddle.nightly.decision.policy import Policy
from tests.benchmarks.bench_error_rates import table_of, write
from tests.support.nightly_rates import Alarms, exact_alarms, fresh_alarms, waited, window_alarms
from tests.support.simulated_nights import ONE, POLICY, Version

TABLE = Path(__file__).parent / "nightly_rates.csv"
MARK = "nightly rates"
HISTORIES = 1_000
DROPPING = 400
"""Histories in which something gets worse."""

POINT = 0.01
HARMLESS = {12: Version(1), 27: Version(2), 44: Version(3)}
FRESH, FRESH_FOUR = replace(ONE, rule="cusum"), replace(POLICY, rule="cusum")


@dataclass(frozen=True)
class NightlyScenario:
    """`alarms`: of one history, by its number. `change`: the night on which something gets worse, if any."""

    name: str
    rule: str
    alarms: Callable[[int], Alarms]
    stated: str = "–"
    change: int | None = None
    histories: int = HISTORIES


def exact(policy: Policy, changes: dict[int, Version], stated: str, name: str) -> NightlyScenario:
    """Nights of a deterministic machine."""
    return NightlyScenario(name, "exact", lambda seed: exact_alarms(policy, changes, seed), stated)


def fresh(policy: Policy, name: str, histories: int) -> NightlyScenario:
    """A month without change on a machine that is not deterministic."""
    return NightlyScenario(name, "cusum", lambda seed: fresh_alarms(policy, {}, seed), "at most 5", histories=histories)


def exact_drop(spread: int) -> NightlyScenario:
    """Two points less from the night after the pool was filled on."""
    changes = {1: Version(1, shift=-2 * POINT)}
    name = f"a drop of 2 points, seeds vary by {spread}"
    return NightlyScenario(
        name, "exact", lambda seed: exact_alarms(ONE, changes, seed, 8, spread * POINT), change=1, histories=DROPPING
    )


def fresh_drop(spread: int) -> NightlyScenario:
    """Two points less after a month."""
    changes = {30: Version(1, shift=-2 * POINT)}
    name = f"a drop of 2 points, seeds vary by {spread}"
    return NightlyScenario(
        name,
        "cusum",
        lambda seed: fresh_alarms(FRESH, changes, seed, 60, spread * POINT),
        change=30,
        histories=DROPPING,
    )


def window(alpha: float) -> NightlyScenario:
    """A comparison of three fixed seeds with a window of nights, after one harmless change."""
    name = f"60 nights, 1 harmless change, t test at {100 * alpha:.0f} %"
    return NightlyScenario(name, "window", lambda seed: window_alarms((20,), seed, alpha=alpha))


SCENARIOS = (
    exact(ONE, {}, "0", "60 nights without change"),
    exact(ONE, HARMLESS, "at most 3", "60 nights, 3 harmless changes"),
    exact(POLICY, HARMLESS, "at most 3", "the same with 2 arms and 2 metrics"),
    *map(exact_drop, (1, 2, 3)),
    fresh(FRESH, "30 nights without change", 12_000),
    fresh(FRESH_FOUR, "the same with 2 arms and 2 metrics", 4_000),
    *map(fresh_drop, (1, 2, 3)),
    window(0.01),
    window(0.05),
)


def facts_of(scenario: NightlyScenario, count: int, first: int = 0) -> dict[str, object]:
    """A row of the table, shares in per cent, from so many histories, the `first` of this number."""
    simulated = [scenario.alarms(seed) for seed in range(first, first + count)]
    waits = [waited(each.news, scenario.change or 0) for each in simulated]
    median = "–" if scenario.change is None else f"{np.median(waits):.0f}"
    nights = [len(each.said) for each in simulated if each.said and scenario.change is None]
    return {
        "nights": scenario.name,
        "rule": scenario.rule,
        "histories": count,
        "alarm": f"{100 * sum(map(math.isfinite, waits)) / count:.1f}",
        "stated": scenario.stated,
        "median nights to it": median.replace("inf", "–"),
        "nights that say it": f"{np.mean(nights):.1f}" if nights else "–",
    }


@pytest.mark.timeout(3_600)
def test_rates_of_nights(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [facts_of(scenario, scenario.histories) for scenario in SCENARIOS]
    write(rows, TABLE, MARK)
    with capsys.disabled():
        print(f"\n{table_of(rows)}")
