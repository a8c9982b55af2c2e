"""How often each verdict is wrong: writes the tables of docs/statistics.md and their CSV files."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from saddle.analyse.arms.verdict import Verdict
from tests.support.simulated_searches import GuessingSearch, SearchRates, search_rates
from tests.support.simulated_studies import SPEC, ErrorRates, Scenario, error_rates, failing, normal, skewed

TABLE = Path(__file__).parent / "error_rates.csv"
SEARCHES_TABLE = Path(__file__).parent / "search_rates.csv"
PAGE = Path(__file__).parents[2] / "docs/statistics.md"
MARK, SEARCHES_MARK = "error rates", "search rates"
STUDIES = 4_000

GUESSING = tuple(GuessingSearch(trials) for trials in (2, 12, 40))

HELPS = frozenset({Verdict.HELPS, Verdict.RESCUES})
DIFFERS = HELPS | {Verdict.HURTS, Verdict.FAILS}
MARGIN = replace(SPEC, equivalence=2.5)
LOG = replace(SPEC, scale="log")
RACE = tuple(range(3, 9))
SHARES = (0.1, 0.25, 0.4, 0.6)

SCENARIOS = (
    Scenario("no difference, 3 seeds", normal(3), DIFFERS, (3,)),
    Scenario("no difference, 8 seeds", normal(), DIFFERS),
    Scenario("no difference, 4 arms", normal(arms=4), DIFFERS),
    *(Scenario(f"the worst {share:.0%} of the arm's replicates fail", failing(share), HELPS) for share in SHARES),
    Scenario("the worst 25% of both fail", failing(0.25, 0.25), DIFFERS),
    Scenario("one arm skewed (log-normal)", skewed(), DIFFERS),
    Scenario("one arm skewed, scale: log", skewed(on_log=True), DIFFERS, spec=LOG),
    Scenario("extended after a look, 5 → 8 → 12 seeds", normal(12), DIFFERS, (5, 8, 12)),
    Scenario("extended one at a time, 3 to 10 seeds", normal(10), DIFFERS, tuple(range(3, 11))),
    Scenario("extended 5 → 8 → 12, one arm skewed", skewed(12), DIFFERS, (5, 8, 12)),
    Scenario("extended 5 → 8 → 12, the worst 25% of the arm's fail", failing(0.25, seeds=12), HELPS, (5, 8, 12)),
    Scenario("race, no difference, 3 arms", normal(arms=3), DIFFERS, RACE, spending="obrien_fleming"),
    Scenario("race, the worst 25% of the arm's fail", failing(0.25), HELPS, RACE, spending="obrien_fleming"),
    Scenario("race, one arm skewed", skewed(), DIFFERS, RACE, spending="obrien_fleming"),
    Scenario("race, one arm skewed, scale: log", skewed(on_log=True), DIFFERS, RACE, LOG, "obrien_fleming"),
    Scenario("no difference, with a margin of 2.5", normal(), DIFFERS, spec=MARGIN),
    Scenario("a difference of the margin", normal(effect=2.5), frozenset({Verdict.EQUIVALENT}), spec=MARGIN),
    Scenario(
        "a difference of the margin, 4 arms", normal(arms=4, effect=2.5), frozenset({Verdict.EQUIVALENT}), spec=MARGIN
    ),
)  # fmt: skip
SHOWN = (
    Verdict.HELPS, Verdict.HURTS, Verdict.RESCUES, Verdict.FAILS, Verdict.BETTER_WHERE_IT_WORKS, Verdict.EQUIVALENT,
    Verdict.UNSETTLED, Verdict.NO_DIFFERENCE,
)  # fmt: skip


def facts_of(rates: ErrorRates) -> dict[str, object]:
    """A row of the table, shares in per cent."""
    words = {str(word): f"{100 * rates.words.get(word, 0.0):.1f}" for word in SHOWN}
    return {
        "scenario": rates.scenario,
        "studies": rates.studies,
        "t test alone": f"{100 * rates.claimed_by_t:.1f}",
        "wrong": f"{100 * rates.wrong:.1f}",
        **words,
    }


def facts_of_search(rates: SearchRates) -> dict[str, object]:
    """A row of the table of searches, shares in per cent."""
    return {
        "scenario": rates.name,
        "searches": rates.searches,
        "highest value above guessing": f"{100 * rates.above_guessing:.1f}",
        "a best trial is named": f"{100 * rates.names_a_best:.1f}",
    }


def table_of(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(map(str, row.values())) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(mark: str) -> str:
    """The table between its marks in the page."""
    text = PAGE.read_text(encoding="utf-8")
    return text.split(f"<!-- {mark}: begin -->")[1].split(f"<!-- {mark}: end -->")[0].strip()


def write(rows: list[dict[str, object]], table: Path, mark: str) -> None:
    """Write the rows to their CSV file, and put their table between its marks in the page."""
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(f"<!-- {mark}: begin -->")
    after = rest.split(f"<!-- {mark}: end -->")[1]
    page = f"{before}<!-- {mark}: begin -->\n{table_of(rows)}\n<!-- {mark}: end -->{after}"
    PAGE.write_text(page, encoding="utf-8")


@pytest.mark.timeout(3_600)
def test_error_rates_of_every_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [facts_of(error_rates(scenario, STUDIES)) for scenario in SCENARIOS]
    write(rows, TABLE, MARK)
    with capsys.disabled():
        print(f"\n{table_of(rows)}")


@pytest.mark.timeout(3_600)
def test_how_often_a_search_that_guesses_names_a_best_trial(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [facts_of_search(search_rates(search, STUDIES)) for search in GUESSING]
    write(rows, SEARCHES_TABLE, SEARCHES_MARK)
    with capsys.disabled():
        print(f"\n{table_of(rows)}")
