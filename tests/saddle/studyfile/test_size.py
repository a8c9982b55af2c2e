"""Large study files: the work grows with their length, not with its square."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from contextlib import suppress

import pytest

from saddle.errors import StudyError
from tests.saddle.studyfile.conftest import ABLATION, Load

FEW, MANY = 100, 800
STEEPEST = 1.5
"""Twice as long a file may take this much more than twice the calls: sorting does; pairs would take 8 times as much."""


def levels(count: int, *, start: int = 1) -> str:
    return ", ".join(f"{index / 10000:.4f}" for index in range(start, start + count))


def one_factor(count: int) -> str:
    return ABLATION.replace("perturbation: [sta, mta, mp]", f"lr: [{levels(count)}]")


def with_exclusions(count: int) -> str:
    rules = ", ".join(f"{{lr: {index / 10000:.4f}, steps: 2}}" for index in range(2, count))
    return one_factor(count).replace("lr:", "steps: [1, 2], lr:") + f"  exclude: [{rules}]\n"


def with_unknown_exclusions(count: int) -> str:
    rules = ", ".join(f"{{lr: {0.5 + index / 10000:.4f}}}" for index in range(count))
    return one_factor(count) + f"  exclude: [{rules}]\n"


def with_repeated_levels(count: int) -> str:
    return ABLATION.replace("perturbation: [sta, mta, mp]", f"lr: [{', '.join(['0.1'] * count)}]")


def with_many_seeds(count: int) -> str:
    return ABLATION.replace("seeds: 3", f"seeds: [{', '.join(map(str, range(count)))}]")


def with_wrong_levels(count: int) -> str:
    return ABLATION.replace("[sta, mta, mp]", f"[{', '.join(f'mp{index}' for index in range(count))}]")


def with_fractions(count: int) -> str:
    fractions = ", ".join(f"{index}/10000" for index in range(1, count + 1))
    return ABLATION.replace("perturbation: [sta, mta, mp]", f"lr: [{fractions}]")


def several_studies(count: int) -> str:
    more = (f"---\nstudy: s{index}\nablation: {{factors: {{lr: [0.1, 0.2]}}}}\n" for index in range(count // 4))
    return ABLATION + "".join(more)


def calls(load: Load, text: str) -> int:
    profile = cProfile.Profile()
    with profile, suppress(StudyError):
        load(text)
    return pstats.Stats(profile).total_calls  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "make",
    [
        one_factor,
        with_exclusions,
        with_unknown_exclusions,
        with_repeated_levels,
        with_many_seeds,
        with_wrong_levels,
        with_fractions,
        several_studies,
    ],
)
def test_a_long_file_is_read_in_proportion_to_its_length(load: Load, make: Callable[[int], str]) -> None:
    load(ABLATION)  # what is made once
    few, many = calls(load, make(FEW)), calls(load, make(MANY))
    assert many / few < STEEPEST * MANY / FEW
