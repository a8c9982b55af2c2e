"""How often each verdict of a relation occurs: writes `relation_rates.csv` and a table of docs/statistics.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.bench_error_rates import table_of, write
from tests.support.simulated_relations import SAME_GAINS, RelationScenario, WordRates, word_rates

TABLE = Path(__file__).parent / "relation_rates.csv"
MARK = "relation rates"
STUDIES = 20_000

NULL = (
    *(RelationScenario(f"none, {k} units", (k,)) for k in (4, 5, 8, 12)),
    *(RelationScenario(f"none, {k} units, heavy-tailed", (k,), shape="t3") for k in (5, 8, 12)),
    RelationScenario("none, 8 units, one far from the others", (8,), predictor="outlying"),
    RelationScenario("none, 8 units, heavy-tailed, one far off", (8,), shape="t3", predictor="outlying"),
    RelationScenario("none, 8 units that differ by seeds alone", (8,), sd_of_gains=SAME_GAINS),
    RelationScenario("none, 2 families of 4", (4, 4)),
    RelationScenario("none, 2 families of 4, heavy-tailed", (4, 4), shape="t3"),
    RelationScenario("none, 3 families of 4", (4, 4, 4)),
)
TRUE = (
    *(RelationScenario(f"r = .8, {k} units", (k,), r=0.8) for k in (5, 8, 12)),
    *(RelationScenario(f"r = .8, {k} units, heavy-tailed", (k,), r=0.8, shape="t3") for k in (5, 8, 12)),
    RelationScenario("r = .8, 2 families of 4", (4, 4), r=0.8),
    RelationScenario("r = .8, 3 families of 4", (4, 4, 4), r=0.8),
    RelationScenario("r = −.8, 8 units", (8,), r=-0.8),
)
APART = tuple(
    RelationScenario(f"none on average, {len(sizes)} families of 4 differ by ±{apart:g}", sizes, apart=apart)
    for sizes in ((4, 4), (4, 4, 4))
    for apart in (0.5, 0.8)
)
"""Limits of a mean slope: it is about the families in the study only."""
SCENARIOS = NULL + TRUE + APART


def wrong(rates: WordRates) -> float:
    """The share of studies with a false claim: any relation if there is none, else the other sign."""
    r = rates.scenario.r
    return (r <= 0) * rates.rises + (r >= 0) * rates.falls


def facts_of(rates: WordRates) -> dict[str, object]:
    """A row of the table, shares in per cent."""
    shares = {
        "seeds as points": rates.seeds_as_points,
        "weights 1/s²": rates.fixed_weights,
        "wrong": wrong(rates),
        "rises": rates.rises,
        "falls": rates.falls,
        "no relation shown": 1 - rates.rises - rates.falls,
    }
    return {
        "true relation": rates.scenario.name,
        "studies": rates.studies,
        **{name: f"{100 * share:.1f}" for name, share in shares.items()},
    }


@pytest.mark.timeout(3_600)
def test_rates_of_every_word_of_a_relation(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [facts_of(word_rates(scenario, STUDIES)) for scenario in SCENARIOS]
    write(rows, TABLE, MARK)
    with capsys.disabled():
        print(f"\n{table_of(rows)}")
