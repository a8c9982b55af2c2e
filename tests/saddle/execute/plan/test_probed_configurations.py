"""Which configurations of a study have their memory measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from saddle.design.study_arms import arms_of_study
from saddle.execute.plan.probed_configurations import MOST, probed_configurations
from saddle.study.trainable.loading import load_trainable
from saddle.studyfile.loader import parse_studies

SEARCH = """
study: s
trainable: parabola
fixed: {epochs: 2}
search: {x: {float: [0.5, 1.0]}, shift: {choice: [0, 7]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 0}}
budget: {trials: 4}
"""
ABLATION = """
study: s
trainable: parabola
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  blocks: {epochs: [1, 9]}
  compare: {metric: test/score}
"""


def measured(text: str, estimate: Any = None) -> tuple[list[tuple[float, float, int]], int]:
    [study] = parse_studies(text, "s.yaml")
    trainable = replace(load_trainable("parabola"), estimate=estimate)
    arms = arms_of_study(study, study.ablation and dict(study.ablation.baseline))
    chosen, left_out = probed_configurations(study, trainable, arms)
    return [(params["x"], params["shift"], params["epochs"]) for params in chosen], left_out


def test_of_a_search_the_ends_of_each_range() -> None:
    chosen, left_out = measured(SEARCH)
    assert {(0.5, 0.0, 2), (1.0, 7.0, 2)} <= set(chosen)
    assert left_out == 0
    assert len(chosen) == len(set(chosen)) == 4


def test_of_an_ablation_each_arm_in_each_block() -> None:
    chosen, _ = measured(ABLATION)
    assert {(x, 0.0, epochs) for x in (0.3, 0.5) for epochs in (1, 9)} <= set(chosen)


def test_of_many_those_with_the_most_work() -> None:
    text = SEARCH.replace("[0, 7]", "[0, 1, 2, 3, 4, 5, 6, 7]")
    chosen, left_out = measured(text, estimate=lambda config: (config.shift, 0))
    assert [shift for _, shift, _ in chosen] == sorted((shift for _, shift, _ in chosen), reverse=True)
    assert chosen[0][1] == 7.0
    assert len(chosen) == MOST
    assert left_out > 0
