"""Simulated searches all of whose trials guess: how often one of them is called the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saddle.analyse.answer import answer_search
from saddle.study.models import Study
from tests.support.declared import declare
from tests.support.records import make_record

METRIC, SAMPLES = "validation/robust_accuracy.worst_case", "validation/samples"
DECLARED = declare({METRIC: "maximize", SAMPLES: "maximize"})
STUDY = Study.model_validate(
    {"study": "s", "trainable": "t", "search": {"lr": {"float": [0, 1]}}, "objective": {"maximize": METRIC}}
)


@dataclass(frozen=True)
class GuessingSearch:
    """`trials` that guess among `classes` on `samples` held-out images."""

    trials: int
    classes: int = 10
    samples: int = 360

    @property
    def name(self) -> str:
        return f"{self.trials} trials guess among {self.classes} classes on {self.samples} images"


@dataclass(frozen=True)
class SearchRates:
    """Of `searches` simulated ones: the share whose highest value is above guessing, and that name a best trial."""

    name: str
    searches: int
    above_guessing: float
    names_a_best: float


def search_rates(search: GuessingSearch, searches: int, seed: int = 0) -> SearchRates:
    """Answer so many searches with saddle's code."""
    generator, chance = np.random.default_rng(seed), 1 / search.classes
    values = generator.binomial(search.samples, chance, (searches, search.trials)) / search.samples
    named = sum(_has_best([*map(float, row)], search) for row in values)
    return SearchRates(search.name, searches, float((values.max(axis=1) > chance).mean()), named / searches)


def _has_best(values: list[float], search: GuessingSearch) -> bool:
    records = [
        make_record(
            f"s-{n}", "s", 0, "completed", {}, {"lr": n / len(values)}, {METRIC: value, SAMPLES: search.samples},
            number=n, fingerprints={"classes": search.classes},
        )
        for n, value in enumerate(values)
    ]  # fmt: skip
    return answer_search(STUDY, records, DECLARED, chance=1 / search.classes).best is not None
