"""How often intervals and verdicts are wrong if one arm is skewed: the rows of the table of error rates."""

from __future__ import annotations

import csv
from pathlib import Path

from saddle.analyse.statistics.scales import ScaleName
from tests.support.skewed_arms import Row, simulate

TABLE = Path(__file__).parent / "skewed_arm.csv"
STUDIES = 10_000
SCENARIOS: tuple[tuple[str, ScaleName], ...] = (("normal", "linear"), ("skewed", "linear"), ("skewed", "log"))
SEEDS = (3, 5, 8, 20)


def skewed_arm_rows(studies: int = STUDIES) -> list[Row]:
    """A row for each shape, scale and number of seeds."""
    return [simulate(shape, scale, seeds, studies) for shape, scale in SCENARIOS for seeds in SEEDS]


def test_the_rows_of_a_skewed_arm() -> None:
    rows = [row.facts() for row in skewed_arm_rows()]
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(", ".join(f"{name} {value}" for name, value in row.items()))
