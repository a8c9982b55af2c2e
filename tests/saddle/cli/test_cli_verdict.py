"""`saddle verdict`: its words, what is as expected, and the exit codes that scripts go by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from saddle.archive.progress import Progress, progress_path
from saddle.archive.studies import settle_study
from saddle.cli.answers.schema import answers_schema
from saddle.cli.app import app
from saddle.design import Replicate
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.trial.json_text import to_json
from saddle.trial.run_id import RunId
from tests.support.records import make_record
from tests.support.stored import store_ablation

ABLATION = """
study: arms
question: Does x matter?
trainable: parabola
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5, 0.7, 0.9]}
  seeds: 5
  compare: {metric: test/score, GUARD}
"""
RELATION = """
study: lifted
question: Does the gain depend on the shift?
trainable: parabola
relation:
  gain: {metric: test/score, arm: {bend: 0.2}, over: {bend: 0.0}}
  units:
    - {family: lifts, vary: {shift: [0.0, 0.5, 1.0, 2.0, 3.0]}}
  predictor: shift
  seeds: 3
"""
GAINS = {0.3: 0.0, 0.5: 0.1, 0.7: -0.1, 0.9: 0.001}
"""Of each x: 0.5 helps, 0.7 hurts, of 0.9 no difference is shown."""


def measure(one: Replicate) -> dict[str, float]:
    x = one.arm.settings["x"]
    noise = 0.002 * (one.seed * round(10 * x) ** 2 % 7)
    return {
        "test/score": 0.5 + GAINS[x] + 0.02 * one.seed + noise,
        "test/other": 0.5 - 0.2 * (x == 0.5),
        "test/third": 0.5 - 0.2 * (x == 0.5) + noise,
    }


def store_arms(tmp_path: Path, guard: str = "alpha: 0.05") -> LocalStore:
    store = LocalStore(tmp_path / "kept")
    store_ablation(store, ABLATION.replace("GUARD", guard), measure)
    return store


def verdict(store: LocalStore, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["verdict", *arguments, "--storage", store.url])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--arm", "0.5", "--expect", "helps"), 0),
        (("--arm", "x=0.5", "--expect", "helps"), 0),
        (("--arm", "0.5", "--expect", "hurts"), 1),
        (("--arm", "0.7", "--expect", "helps"), 1),
        (("--arm", "0.9", "--expect", "helps"), 4),
        (("--arm", "0.9", "--expect", "no-difference-shown"), 0),
        (("--expect", "helps"), 1),
        (("--expect", "no difference shown"), 1),
        ((), 0),
    ],
)
def test_the_exit_code_says_whether_arms_are_as_expected(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    result = verdict(store_arms(tmp_path), "arms", *arguments)
    assert result.exit_code == code, result.output


def test_each_arm_is_said_and_json_has_the_numbers(tmp_path: Path) -> None:
    store = store_arms(tmp_path)
    lines = verdict(store, "arms", "--expect", "helps").output.splitlines()
    assert lines == [
        "x=0.5: helps (as expected)",
        "x=0.7: hurts (not as expected)",
        "x=0.9: no difference shown (unsettled)",
    ]
    result = verdict(store, "arms", "--expect", "helps", "--arm", "x=0.5", "--json")
    facts = json.loads(result.output)
    assert (facts["study"], facts["metric"], facts["finished"]) == ("arms", "test/score", True)
    assert (facts["expected"], facts["judgement"], result.exit_code) == ("helps", "as expected", 0)
    [arm] = facts["verdicts"]
    assert (arm["name"], arm["verdict"], arm["judgement"], arm["n"]) == ("x=0.5", "helps", "as expected", 5)
    assert 0 < arm["low"] < arm["value"] < arm["high"]
    assert arm["value"] == pytest.approx(0.1, abs=0.01)
    assert json.loads(verdict(store, "arms", "--json").output)["judgement"] is None


def test_an_arm_with_a_reservation_is_not_as_expected(tmp_path: Path) -> None:
    result = verdict(store_arms(tmp_path, "not_worse: {test/other: 0.01}"), "arms", "--arm", "0.5", "--expect", "helps")
    assert result.exit_code == 1
    assert "x=0.5: helps, with a reservation (not as expected)" in result.output
    assert "it could not be shown that it is not worse in test/other" in result.output


def test_nothing_is_settled_of_a_study_that_is_not_finished(tmp_path: Path) -> None:
    store = store_arms(tmp_path)
    for state, code in (("interrupted", 4), ("finished", 0)):
        progress = {**vars(Progress("arms")), "state": state}
        store.write(progress_path(RunId("arms")), to_json(progress).encode())
        result = verdict(store, "arms", "--arm", "0.5", "--expect", "helps")
        assert (result.exit_code, "no verdict is final" in result.output) == (code, code == 4)


@pytest.mark.parametrize(("sign", "codes"), [(1, (0, 1)), (-1, (1, 0)), (0, (4, 4))])
def test_a_relation_has_one_word(tmp_path: Path, sign: int, codes: tuple[int, int]) -> None:
    store = LocalStore(tmp_path / "kept")
    [study] = parse_studies(RELATION, "stored.yaml", stored=True)
    stored = settle_study(store, study, None, fresh=False)
    for one in stored.replicates:
        gain = (0.1 * sign * one.block["shift"] + 0.01) * (one.arm.settings["bend"] > 0)
        noise = 0.001 * (one.seed * 3 + len(one.key) * 5 + round(10 * one.block["shift"])) % 0.007
        record = make_record(
            one.key, "lifted", one.seed, "completed", {}, {**one.arm.settings, **one.block},
            {"test/score": 0.5 + gain + noise}, arm=one.arm.name, block=dict(one.block), started=1.0, ended=2.0,
        )  # fmt: skip
        Ledger(store, stored.run).add(record)
    results = [verdict(store, "lifted", "--expect", word) for word in ("rises", "falls")]
    assert tuple(result.exit_code for result in results) == codes, [result.output for result in results]
    wrong = verdict(store, "lifted", "--expect", "helps")
    assert wrong.exit_code == 2
    assert "'helps' is not a verdict of a relation; there are: rises" in wrong.output
    assert verdict(store, "lifted", "--arm", "bend=0.2").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--expect", "help"), "'help' is not a verdict of an ablation; did you mean helps?"),
        (("--expect", "rises"), "'rises' is not a verdict of an ablation"),
        (("--expect", "helps", "--arm", "x=0.6"), "compares no arm 'x=0.6' with its baseline; did you mean x=0."),
        (("--expect", "helps", "--arm", "0.3"), "compares no arm '0.3' with its baseline"),
    ],
)
def test_wrong_input_is_told_apart_by_its_exit_code(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = verdict(store_arms(tmp_path), "arms", *arguments)
    assert result.exit_code == 2
    assert said in result.output.replace("\n", " ")


FURTHER = "each: [test/third], ranks: {both: [test/score, test/third]}"


def test_json_has_the_verdicts_on_further_metrics_and_by_ranks(tmp_path: Path) -> None:
    store = store_arms(tmp_path, FURTHER)
    facts = json.loads(verdict(store, "arms", "--json").output)
    assert [one["metric"] for one in facts["each"]] == ["test/third"] * 3
    by_arm = {one["name"]: one for one in facts["each"]}
    assert by_arm["x=0.5"]["value"] == pytest.approx(-0.2, abs=0.01)
    assert by_arm["x=0.5"]["verdict"] == "hurts"
    assert by_arm["x=0.5"]["holds_over_all"] is True
    assert by_arm["x=0.5"]["p"] <= by_arm["x=0.5"]["p_over_all"] <= 0.05 < by_arm["x=0.9"]["p_over_all"]
    [ranked] = facts["ranks"]
    assert (ranked["group"], ranked["metrics"]) == ("both", ["test/score", "test/third"])
    assert [one["name"] for one in ranked["verdicts"]] == ["x=0.5", "x=0.7", "x=0.9"]
    alone = json.loads(verdict(store, "arms", "--arm", "0.5", "--expect", "helps", "--json").output)
    assert [one["name"] for one in (*alone["each"], *alone["ranks"][0]["verdicts"])] == ["x=0.5", "x=0.5"]
    assert alone["judgement"] == "as expected", "further verdicts are no part of what is expected"


def test_people_read_further_verdicts_below_the_studys_own(tmp_path: Path) -> None:
    lines = verdict(store_arms(tmp_path, FURTHER), "arms").output.splitlines()
    assert lines[3:6] == ["test/third, a question of its own:", "  x=0.5: hurts", "  x=0.7: no difference shown"]


def test_an_answer_with_further_verdicts_is_as_its_schema_says(tmp_path: Path) -> None:
    content = json.loads(verdict(store_arms(tmp_path, FURTHER), "arms", "--json").output)
    schema = answers_schema()
    Draft202012Validator({**schema["$defs"]["verdict"], "$defs": schema["$defs"]}).validate(content)
    assert content["each"]
    assert content["ranks"]
