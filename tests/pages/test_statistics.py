"""The page on statistics shows the rates that were simulated, and a short simulation finds them again."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from tests.benchmarks import bench_relation_rates as relations
from tests.benchmarks.bench_error_rates import (
    GUESSING,
    MARK,
    SCENARIOS,
    SEARCHES_MARK,
    SEARCHES_TABLE,
    TABLE,
    shown,
    table_of,
)
from tests.support.simulated_relations import RelationScenario, word_rates
from tests.support.simulated_searches import GuessingSearch, search_rates
from tests.support.simulated_studies import Scenario, error_rates

STUDIES = 250
RELATIONS = 2_000


def rows(table: Path = TABLE) -> list[dict[str, object]]:
    with table.open(encoding="utf-8") as file:
        return [dict(row) for row in csv.DictReader(file)]


def test_the_page_shows_the_table() -> None:
    assert shown(MARK) == table_of(rows())
    assert [row["scenario"] for row in rows()] == [scenario.name for scenario in SCENARIOS]
    assert shown(SEARCHES_MARK) == table_of(rows(SEARCHES_TABLE))
    assert [row["scenario"] for row in rows(SEARCHES_TABLE)] == [search.name for search in GUESSING]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_short_simulation_agrees_with_the_table(scenario: Scenario) -> None:
    [row] = [row for row in rows() if row["scenario"] == scenario.name]
    rates = error_rates(scenario, STUDIES, seed=1)
    for column, rate in (("wrong", rates.wrong), ("t test alone", rates.claimed_by_t)):
        expected = float(str(row[column])) / 100
        tolerance = 4 * math.sqrt(max(expected * (1 - expected), 0.005) / STUDIES)
        assert rate == pytest.approx(expected, abs=tolerance), column


@pytest.mark.parametrize("search", GUESSING, ids=lambda search: search.name)
def test_a_short_simulation_agrees_with_the_table_of_searches(search: GuessingSearch) -> None:
    [row] = [row for row in rows(SEARCHES_TABLE) if row["scenario"] == search.name]
    rates = search_rates(search, STUDIES, seed=1)
    expected = float(str(row["a best trial is named"])) / 100
    assert rates.names_a_best == pytest.approx(expected, abs=4 * math.sqrt(0.05 * 0.95 / STUDIES))
    assert expected <= 0.05


def test_the_page_shows_the_table_of_relations() -> None:
    assert shown(relations.MARK) == table_of(rows(relations.TABLE))
    names = [scenario.name for scenario in relations.SCENARIOS]
    assert [row["true relation"] for row in rows(relations.TABLE)] == names
    apart = {scenario.name for scenario in relations.APART}
    assert all(float(str(row["wrong"])) <= 5.5 for row in rows(relations.TABLE) if row["true relation"] not in apart)


@pytest.mark.parametrize("scenario", relations.SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_short_simulation_agrees_with_the_table_of_relations(scenario: RelationScenario) -> None:
    [row] = [row for row in rows(relations.TABLE) if row["true relation"] == scenario.name]
    rates = relations.facts_of(word_rates(scenario, RELATIONS, seed=1))
    for column in ("wrong", "rises", "falls", "seeds as points", "weights 1/s²"):
        expected, rate = (float(str(facts[column])) / 100 for facts in (row, rates))
        tolerance = 4 * math.sqrt(max(expected * (1 - expected), 0.005) / RELATIONS)
        assert rate == pytest.approx(expected, abs=tolerance), column
