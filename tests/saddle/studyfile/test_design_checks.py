# ruff: noqa: E501  (one mistake and its message to a line reads best)
"""Fractions, races, exclusions and blocks in a study file: what loads, and what is refused in which words."""

from __future__ import annotations

import pytest

STUDY = """\
study: designed
trainable: fake
fixed: {tasks: [odd_even], attacks: [pgd]}
ablation:
  baseline: {perturbation: sta}
  factors: {perturbation: [sta, mp], random_start: [true, false], schedule: [flat, cyclic], steps: [2, 3]}
  seeds: 5
  design: one_factor
  compare: {metric: test/accuracy}
"""


@pytest.mark.parametrize(
    "line",
    [
        "race: true",
        "race: pocock\n  seeds: [1, 2, 3, 4]",
        "race: none\n  seeds: 500",
        "exclude: [{perturbation: mp, steps: 3}, {schedule: [flat, cyclic], steps: 2, random_start: false}]\n  design: factorial",
        "blocks: {dataset: [mnist, digits], epochs: [1, 2]}",
        "blocks: {machine: [a100, h200]}",
        "blocks: {machine: [a100, h200]}\n  race: true",
        "design: fractional",
        "design: {fractional: {resolution: 3}}",
        "exclude: [{perturbation: mp, steps: 3}]\n  design: fractional",
    ],
)
def test_it_loads(line: str, load) -> None:
    text = STUDY
    for key in ("seeds", "design"):
        if f"{key}:" in line:
            text = "".join(row for row in text.splitlines(True) if not row.startswith(f"  {key}:"))
    [study] = load(text.replace("  compare:", f"  {line}\n  compare:"))
    assert study.ablation is not None


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ("seeds: 5", "seeds: 3\n  race: true", "ablation.race", "a race takes 4 to 100 seeds, and this one has 3; give 4 to 100 seeds, or race: none"),
        ("seeds: 5", "seeds: 101\n  race: true", "ablation.race", "a race takes 4 to 100 seeds, and this one has 101"),
        ("seeds: 5", "seeds: [1, 2]\n  race: pocock", "ablation.race", "and this one has 2"),
        ("design: one_factor", "design: factorial\n  race: true", "ablation.race", "a factorial design has effects across all arms; use design: leave_one_out or one_factor"),
        ("test/accuracy}", "test/accuracy, correction: bh}\n  race: true", "ablation.race", "a race can't be corrected by bh"),
        ("seeds: 5", "seeds: 5\n  exclude: [{steps: 3}, {stepps: 2}]", "ablation.exclude[1]", "exclude names stepps, which is not a factor; did you mean steps?"),
        ("seeds: 5", "seeds: 5\n  exclude: [{schedule: cyclc}]", "ablation.exclude[0]", "exclude names schedule: cyclc, which is not one of its levels (flat, cyclic); did you mean cyclic?"),
        ("seeds: 5", "seeds: 5\n  exclude: [{perturbation: sta}]", "ablation.exclude", "exclude rules out the baseline: {perturbation: sta}"),
        ("seeds: 5", "seeds: 5\n  exclude: [{}]", "ablation.exclude[0]", "{} is not accepted"),
        ("one_factor", "fractional\n  exclude: [{perturbation: mp}]", "ablation.exclude", "exclude leaves no arm with perturbation=mp, so its effect can't be estimated; exclude less, or take perturbation out"),
        ("one_factor", "fractional\n  exclude: [{steps: 3, schedule: flat}, {steps: 2, schedule: cyclic}]", "ablation.exclude", "exclude leaves 4 arms of this fraction, in which the main effect of perturbation can't be distinguished from that of random_start; exclude less"),
        ("steps: [2, 3]}", "steps: [2, 3, 4]}\n  design: fractional", "ablation.factors.steps", "a fractional design needs two levels of every factor, and steps has 3: 2, 3, 4"),
        ("{perturbation: sta}", "{perturbation: sta, steps: 7}\n  design: fractional", "ablation.factors.steps", "a fractional design needs the baseline among its arms, but steps: 7 is not in [2, 3]"),
        ("one_factor", "{fractional: {resolution: 5}}", "ablation.factors", "4 factors have no fraction of resolution 5: it would be all 16 combinations; possible: 4 in 8 arms; or use design: factorial"),
        ("seeds: 5", "seeds: 5\n  blocks: {datset: [mnist, digits]}", "ablation.blocks.datset", "fake has no 'datset'; did you mean dataset?"),
        ("seeds: 5", "seeds: 5\n  blocks: {steps: [1, 2]}", "ablation.blocks.steps", "steps is a factor, so its levels make arms"),
        ("seeds: 5", "seeds: 5\n  blocks: {tasks: [[a], [b]]}", "ablation.blocks.tasks", "tasks is in fixed, too (line 3); keep one of them"),
        ("{perturbation: sta}", "{perturbation: sta, lr: 0.1}\n  blocks: {lr: [0.1, 0.2]}", "ablation.blocks.lr", "lr is in baseline, too"),
        ("seeds: 5", "seeds: 5\n  blocks: {lr: [0.1, 7]}", "ablation.blocks.lr[1]", "7 is not accepted; it must be less than or equal to 1"),
        ("seeds: 5", "seeds: 5\n  blocks: {lr: [0.1, 0.1]}", "ablation.blocks.lr[1]", "0.1 is listed twice"),
        ("seeds: 5", "seeds: 5\n  blocks: {dataset: [mnist]}", "ablation.blocks.dataset", "['mnist'] is not accepted"),
        ("seeds: 5", "seeds: 5\n  blocks: {machine: [a100, GPU]}", "ablation.blocks.machine", "block machine has the level GPU, which can't name a kind of machine"),
        ("seeds: 5", "seeds: 5\n  blocks: {high: [0.5, 0.2]}\n  baseline: {low: 0.3, perturbation: sta}", "ablation.factors", "arm baseline in high=0.2: low 0.3 is above high 0.2"),
    ],
)  # fmt: skip
def test_it_is_refused(old: str, new: str, where: str, words: str, refuse) -> None:
    assert old in STUDY
    text = STUDY.replace(old, new)
    for key in ("design", "baseline"):  # the last one counts
        if text.count(f"  {key}:") > 1:
            first = next(row for row in text.splitlines(True) if row.startswith(f"  {key}:") and row.strip() not in new)
            text = text.replace(first, "", 1)
    problems = [problem for problem in refuse(text) if not problem.what.startswith("arm perturbation=mp")]
    assert [problem.where for problem in problems] == [where]
    assert words in str(problems[0])


def test_the_search_that_a_baseline_is_the_best_of_may_not_decide_a_block(refuse, search_text) -> None:
    text = STUDY.replace("{perturbation: sta}", "{best_of: one, perturbation: sta}\n  blocks: {lr: [0.1, 0.2]}")
    [problem] = refuse(f"{search_text}---\n{text}".replace("fixed: {dataset: digits, ", "fixed: {"))
    assert "the search one has found a lr" in problem.what
