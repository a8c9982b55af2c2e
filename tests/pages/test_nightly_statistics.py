"""The page on statistics shows the rates of nights that were simulated, and a short simulation finds them again."""

from __future__ import annotations

import csv
import math

import pytest

from tests.benchmarks.bench_error_rates import shown, table_of
from tests.benchmarks.bench_nightly_rates import MARK, SCENARIOS, TABLE, NightlyScenario, facts_of

HISTORIES = 60


def rows() -> list[dict[str, object]]:
    with TABLE.open(encoding="utf-8") as file:
        return [dict(row) for row in csv.DictReader(file)]


def test_the_page_shows_the_table_of_nights() -> None:
    assert shown(MARK) == table_of(rows())
    assert [row["nights"] for row in rows()] == [scenario.name for scenario in SCENARIOS]


def test_no_rate_of_false_alarms_is_above_what_is_stated() -> None:
    stated = {str(row["nights"]) + str(row["rule"]): row for row in rows() if str(row["stated"]).startswith("at most")}
    assert len(stated) == 4
    for row in stated.values():
        bound, histories = float(str(row["stated"]).removeprefix("at most ")) / 100, int(str(row["histories"]))
        assert float(str(row["alarm"])) / 100 <= bound + 2 * math.sqrt(bound * (1 - bound) / histories)


@pytest.mark.long
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: f"{scenario.rule}, {scenario.name}")
def test_a_short_simulation_agrees_with_the_table_of_nights(scenario: NightlyScenario) -> None:
    [row] = [row for row in rows() if (row["nights"], row["rule"]) == (scenario.name, scenario.rule)]
    facts = facts_of(scenario, HISTORIES, first=10_000)
    expected, rate = (float(str(each["alarm"])) / 100 for each in (row, facts))
    tolerance = 4 * math.sqrt(max(expected * (1 - expected), 0.005) / HISTORIES)
    assert rate == pytest.approx(expected, abs=tolerance)
    if scenario.change is not None and row["median nights to it"] != "–":
        median, expected = (float(str(each["median nights to it"])) for each in (facts, row))
        assert median == pytest.approx(expected, abs=max(1, 0.3 * expected))
