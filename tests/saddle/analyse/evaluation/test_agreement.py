"""Blocks that rank the arms alike, or the other way round, and what choosing by one costs at the other."""

from __future__ import annotations

from typing import Any

import pytest

from saddle.analyse.arms.effects import ComparisonSpec
from saddle.analyse.evaluation.agreement import agreements
from saddle.design import make_arms
from saddle.design.replicates import replicates_of
from saddle.report.study_sections.agreement import agreement_table
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import make_record
from tests.support.results import results_of
from trainables.contract import complete_metric

METRIC = "test/accuracy"
FULL = {"a": 0.50, "b": 0.60, "c": 0.70, "d": 0.80}


def study_of(levels: list[str], direction: str = "maximize") -> Study:
    return Study.model_validate(
        {
            "study": "rungs",
            "trainable": "t",
            "ablation": {
                "factors": {"arm": levels}, "blocks": {"rung": ["full", "short"]}, "seeds": 2,
                "compare": {"metric": METRIC},
            },
        }
    )  # fmt: skip


def found_for(short: dict[str, float], *, direction: Any = "maximize", lost: Any = None) -> Any:
    study = study_of(list(FULL))
    entries = entries_of(study, {"full": FULL, "short": short})
    if lost is not None:
        entries = [e for e in entries if not (e.block["rung"] == "short" and e.seed == 1 and e.settings["arm"] == lost)]
    [one] = agreements(study.ablation, arms_of(study), entries, ComparisonSpec(complete_metric(METRIC, direction)))  # type: ignore[arg-type]
    return one


def arms_of(study: Study) -> Any:
    return make_arms(study.ablation, {})  # type: ignore[arg-type]


def entries_of(study: Study, levels: dict[str, dict[str, float]]) -> list[TrialRecord]:
    return [
        make_record(
            one.key, "rungs", one.seed, "completed", {}, dict(one.arm.settings), arm=one.arm.name,
            metrics={METRIC: levels[one.block["rung"]][one.arm.settings["arm"]] + 0.01 * one.seed}, block=one.block,
        )
        for one in replicates_of(study.ablation, arms_of(study))  # type: ignore[arg-type]
    ]  # fmt: skip


def test_the_same_order_agrees_and_loses_nothing() -> None:
    one = found_for({"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4})
    assert (one.factor, one.reference, one.other, one.arms, one.seeds) == ("rung", "full", "short", 4, 2)
    assert (one.ranks.kendall, one.ranks.spearman) == (pytest.approx(1), pytest.approx(1))
    assert one.ranks.p == pytest.approx(2 / 24)  # two of the 24 orders are as extreme
    assert (one.chosen, one.ranks.rank, one.ranks.loss) == ("d", 1, 0)


def test_another_order_costs_what_its_best_arm_lacks() -> None:
    one = found_for({"a": 0.1, "b": 0.5, "c": 0.4, "d": 0.2})
    assert one.ranks.kendall == pytest.approx(0)
    assert (one.chosen, one.ranks.rank) == ("b", 3)
    assert one.ranks.loss == pytest.approx(0.2)
    smaller_is_better = found_for({"a": 0.1, "b": 0.05, "c": 0.4, "d": 0.2}, direction="minimize")
    assert (smaller_is_better.chosen, smaller_is_better.ranks.rank) == ("b", 2)
    assert smaller_is_better.ranks.loss == pytest.approx(0.1)


def test_only_seeds_that_all_arms_completed_count_and_equal_arms_rank_nothing() -> None:
    assert found_for(FULL, lost="b").seeds == 1
    flat = found_for(dict.fromkeys(FULL, 0.3))
    assert (flat.ranks.kendall, flat.ranks.p, flat.ranks.spearman) == (None, None, None)


def test_an_arm_that_one_block_lacks_does_not_hide_the_others() -> None:
    study, short = study_of(list(FULL)), {"a": 0.1, "b": 0.3, "c": 0.2, "d": 0.9}
    entries = [
        entry
        for entry in entries_of(study, {"full": FULL, "short": short})
        if (entry.block["rung"], entry.settings["arm"]) != ("short", "d")
    ]
    spec = ComparisonSpec(complete_metric(METRIC, "maximize"))
    [one] = agreements(study.ablation, arms_of(study), entries, spec)  # type: ignore[arg-type]
    assert (one.arms, one.seeds, one.chosen, one.ranks.rank) == (3, 2, "b", 2)
    assert one.ranks.loss == pytest.approx(0.1)


def test_two_arms_say_nothing_and_three_make_a_table() -> None:
    trainable = declare({METRIC: "maximize"}, METRIC)
    for levels, rows in ((["a", "b"], 0), (["a", "b", "c"], 1)):
        study = study_of(levels)
        table = agreement_table(results_of(study, trainable, entries_of(study, {"full": FULL, "short": FULL}), {}))
        assert (0 if table is None else len(table.rows)) == rows
    assert table is not None
    assert table.rows[0] == ("rung=short", "full", "2", "1.00", "0.33", "1.00", "c", "1 of 3", "0.0 points")
