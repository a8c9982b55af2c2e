"""With blocks a seed's value is the mean over them: pairs stay one per seed, and a seed lost in one block is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from saddle.analyse.ablation import answer_ablation
from saddle.analyse.arms.paired_values import MISSING, measure, pair
from saddle.analyse.result import Answer
from saddle.design import make_arms, replicates_of
from saddle.study.models import Study
from saddle.trial.record import TrialRecord
from tests.support.declared import declare
from tests.support.records import make_record

METRIC = "test/robust_accuracy"
EFFECT = {"mnist": 0.02, "digits": 0.06}
LEVEL = {"mnist": 0.8, "digits": 0.5}

Fates = Mapping[tuple[str, str, int], str | None]
"""How single replicates ended, by arm, dataset and seed; None for those that have not been trained yet."""


def study_of(**section: Any) -> Study:
    ablation = {"factors": {"p": ["sta", "mp"]}, "seeds": 5, "blocks": {"dataset": ["mnist", "digits"]}, **section}
    return Study.model_validate(
        {"study": "a", "trainable": "t", "ablation": {"compare": {"metric": METRIC}, **ablation}}
    )


def entries_of(study: Study, fates: Fates | None = None) -> list[TrialRecord]:
    """Blocks 0.3 apart, seeds some, arms by the block's effect, and little noise."""
    draw, shift = np.random.default_rng(2), np.random.default_rng(3).normal(0, 0.05, 20)
    found = []
    for one in replicates_of(study.ablation, make_arms(study.ablation, {})):
        dataset, level = one.block.get("dataset", "mnist"), one.arm.levels["p"]
        outcome = (fates or {}).get((level, dataset, one.seed), "completed")
        value = LEVEL[dataset] + (level == "mp") * EFFECT[dataset] + shift[one.seed] + 0.001 * draw.normal()
        if outcome is not None:
            metrics = {METRIC: value} if outcome == "completed" else {}
            settings = {**one.arm.settings, **one.block}
            found.append(
                make_record(
                    one.key, "a", one.seed, outcome, {}, settings, metrics, arm=one.arm.name, block=dict(one.block)
                )
            )
    return found


def answer_of(study: Study, fates: Fates | None = None) -> Answer:
    return answer_ablation(study, entries_of(study, fates), declare({METRIC: "maximize"}))


def test_the_effect_is_the_mean_of_the_blocks_and_the_seeds_are_its_pairs() -> None:
    [effect] = answer_of(study_of()).effects
    assert effect.mean == pytest.approx(0.04, abs=0.002)
    assert effect.n == 5, "and not ten: two blocks of one seed are not two independent observations"
    assert str(effect.verdict) == "helps"
    assert effect.baseline_mean == pytest.approx(0.65, abs=0.08)


def test_blocks_have_rows_of_their_own_without_a_verdict() -> None:
    answer = answer_of(study_of())
    assert [row[0] for row in answer.rows] == ["sta", "mp"]
    rows = [dict(zip(answer.block_columns, row, strict=True)) for row in answer.block_rows]
    assert [(row["arm"], row["block"]) for row in rows] == [("mp", "dataset=mnist"), ("mp", "dataset=digits")]
    assert not any("verdict" in column or column.startswith("p ") for column in answer.block_columns)
    for block, row in zip(("mnist", "digits"), rows, strict=True):
        shown = float(row["difference (points)"].replace("+", ""))
        assert shown == pytest.approx(100 * EFFECT[block], abs=0.3)
        assert " to " in row["interval"]
        assert row["seeds"] == "5"


def test_without_blocks_there_are_no_such_rows() -> None:
    answer = answer_of(study_of(blocks={}))
    assert [row[0] for row in answer.rows] == ["sta", "mp"]
    assert answer.block_rows == ()


def test_a_seed_lost_in_one_block_is_lost_and_the_block_named() -> None:
    answer = answer_of(study_of(), {("mp", "digits", 3): "diverged"})
    [effect] = answer.effects
    assert effect.n == 4
    assert 3 not in effect.differences
    assert any("mp diverged in dataset=digits" in note for note in effect.notes), effect.notes
    assert answer.failures[-1].failed == 1, "a failure of the method in one block is one of the seed"
    by_block = {row[1]: row[2] for row in answer.block_rows}
    assert by_block == {"dataset=mnist": "5", "dataset=digits": "4"}


def test_what_ended_badly_counts_before_what_is_still_to_come() -> None:
    study = study_of()
    entries = entries_of(study, {("mp", "mnist", 1): None, ("mp", "digits", 1): "collapsed", ("mp", "mnist", 2): None})
    _, mp = make_arms(study.ablation, {})
    blocks = [{"dataset": "mnist"}, {"dataset": "digits"}]
    found = measure(entries, mp, METRIC, range(5), blocks=blocks)
    assert found.lost == {1: "collapsed", 2: MISSING}
    assert found.why(1) == "collapsed in dataset=digits"
    assert found.why(2) == f"{MISSING} in dataset=mnist"
    assert list(found.values) == [0, 3, 4]
    assert pair(found, found).lost[1] == "p=mp collapsed in dataset=digits and p=mp collapsed in dataset=digits"


def test_a_race_waits_for_all_blocks_of_a_seed() -> None:
    study = study_of(race="pocock", seeds=8)
    whole = answer_of(study).effects[0]
    assert whole.settled_after is not None
    assert whole.settled_after < 8
    waiting = answer_of(study, {("mp", "digits", 0): None}).effects[0]
    assert waiting.settled_after is None
    assert waiting.n == 0


def test_a_factorial_has_its_contrasts_in_every_block() -> None:
    study = study_of(factors={"p": ["sta", "mp"], "q": [0, 1]}, design="factorial")
    found = [row[:2] for row in answer_of(study).block_rows]
    effects = ("main effect: p=mp", "main effect: q=1", "interaction: p=mp × q=1")
    assert found == [(effect, f"dataset={block}") for effect in effects for block in ("mnist", "digits")]
