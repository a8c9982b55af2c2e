"""The page on statistics shows the rates that were simulated, and a short simulation finds them again."""

from __future__ import annotations

import csv
import math

import pytest

from tests.benchmarks.bench_error_rates import BEGIN, END, PAGE, SCENARIOS, TABLE, table_of
from tests.support.simulated_studies import Scenario, error_rates

STUDIES = 250


def rows() -> list[dict[str, object]]:
    with TABLE.open(encoding="utf-8") as file:
        return [dict(row) for row in csv.DictReader(file)]


def test_the_page_shows_the_table() -> None:
    shown = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()
    assert shown == table_of(rows())
    assert [row["scenario"] for row in rows()] == [scenario.name for scenario in SCENARIOS]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_short_simulation_agrees_with_the_table(scenario: Scenario) -> None:
    [row] = [row for row in rows() if row["scenario"] == scenario.name]
    rates = error_rates(scenario, STUDIES, seed=1)
    for column, rate in (("wrong", rates.wrong), ("t test alone", rates.claimed_by_t)):
        expected = float(str(row[column])) / 100
        tolerance = 4 * math.sqrt(max(expected * (1 - expected), 0.005) / STUDIES)
        assert rate == pytest.approx(expected, abs=tolerance), column
