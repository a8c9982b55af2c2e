"""What `saddle plan` says of a design: its arms, what they can show, and how many seeds that takes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from saddle.analyse.arms.contrast_effects import comparison_of, contrasts_of
from saddle.analyse.arms.paired_values import ArmValues
from saddle.analyse.arms.seeds_needed import Spread, needs, pilot_spread
from saddle.analyse.statistics.power import power
from saddle.archive.studies import settle_study
from saddle.design import make_arms, replicates_of
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.studyfile.loader import load_studies, parse_studies
from saddle.trial.run_id import RunId
from tests.support.records import make_record

SEARCH = """\
study: mine
trainable: parabola
search: {x: {float: [0, 1]}}
objective: {maximize: validation/score}
sampler: random
budget: {trials: 5}
"""

DESIGNS = """\
study: parts
trainable: adversarial_training
fixed: {dataset: digits, tasks: [odd_even]}
ablation:
  design: leave_one_out
  factors: [random_start, mixing, weight_decay]
  seeds: 8
---
study: fraction
ablation:
  design: {fractional: {resolution: 3}}
  factors: [random_start, auxiliary_losses, mixing, epsilon_warmup]
  blocks: {train_size: [400, 800]}
  order_seed: 4
  seeds: 8
"""


@pytest.fixture
def designs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("designs.yaml").write_text(DESIGNS)
    return "designs.yaml"


def test_a_plan_shows_the_design_table_and_what_can_be_estimated(saddle, designs) -> None:
    parts, fraction = json.loads(saddle("plan", designs, "--json").stdout)
    assert [arm["arm"] for arm in parts["arms"]] == [
        "baseline",
        "without random start",
        "without mixing",
        "without weight decay",
    ]
    assert parts["arms"][2] == {
        "arm": "without mixing", "random_start": True, "perturbation": "sta", "weight_decay": 0.0005,
    }  # fmt: skip
    assert parts["design"]["arms"][2]["levels"] == {"random_start": "on", "mixing": "off", "weight_decay": "on"}
    assert parts["design"]["effects"] == [
        {"name": f"without {name}", "kind": "arm"} for name in ("random start", "mixing", "weight decay")
    ]
    assert parts["power"] is None
    design = fraction["design"]
    assert (fraction["trials"], len(design["arms"]), design["blocks"]) == (128, 8, ["train_size=400", "train_size=800"])
    assert design["resolution"] == 4, "resolution III was asked for, and eight arms reach IV"
    assert design["aliases"]["random_start=off × auxiliary_losses=off"] == ["mixing × epsilon_warmup"]
    assert design["order_seed"] == 4
    assert len(design["order_of_first_seed"]) == 16
    assert {"mixing", "train_size", "perturbation"} & set(fraction["assumed"]) == set(), "what is varied is not assumed"


def test_a_plan_for_people_shows_the_design(saddle, designs) -> None:
    shown = saddle("plan", designs, "--effect", "0.02", "--spread", "0.015").stdout
    for part in (
        "mixing: perturbation=mp when on, perturbation=sta when off",
        "4 arms × 8 paired seeds = 32 trials",
        "not estimated: interactions of factors",
        "8 arms × 2 blocks (train_size=400; train_size=800) × 8 paired seeds = 128 trials",
        "8 of 16 combinations, a fraction of resolution IV (III was asked for): main effects are clear",
        "random_start=off × mixing=off (= auxiliary_losses × epsilon_warmup)",
        "within each seed in random order (order_seed 4), first: ",
    ):
        assert part in shown, part


def test_a_plan_says_what_exclusions_leave_of_a_fraction(saddle, designs) -> None:
    """The arm without all four is left out: nothing is balanced, and shares of interactions are in every effect."""
    off = ", ".join(f"{name}: off" for name in ("random_start", "mixing", "auxiliary_losses", "epsilon_warmup"))
    first, fraction = Path(designs).read_text().split("---\n")
    shared = "".join(first.splitlines(keepends=True)[1:3])
    Path("less.yaml").write_text(fraction.replace("ablation:\n", f"{shared}ablation:\n  exclude: [{{{off}}}]\n"))
    shown = saddle("plan", "less.yaml", "--effect", "0.02", "--spread", "0.015").stdout
    for part in (
        "7 arms × 2 blocks",
        "8 of 16 combinations, a fraction of resolution IV (III was asked for), of which exclude leaves 7",
        "their columns correlate by up to 0.17",
        "random_start=off holds −0.17 of ",
    ):
        assert part in " ".join(shown.split()), part
    [fraction] = json.loads(saddle("plan", "less.yaml", "--effect", "0.02", "--spread", "0.015", "--json").stdout)
    assert fraction["design"]["resolution"] == 4
    assert sorted({round(one, 9) for one in fraction["design"]["shares"]["mixing=off"].values()}) == [round(-1 / 6, 9)]
    assert abs(fraction["design"]["largest_correlation"][2]) == pytest.approx(1 / 6)
    main, _ = fraction["power"]["needs"]
    assert main["sd"] > 0.015 / 2, "fewer arms tell less"


def test_a_plan_says_how_many_seeds_an_effect_needs(saddle, designs) -> None:
    parts, fraction = json.loads(saddle("plan", designs, "--effect", "0.02", "--spread", "0.015", "--json").stdout)
    [arms] = parts["power"]["needs"]
    assert (arms["kind"], arms["effects"], arms["sd"]) == ("arm", 3, 0.015)
    assert arms["power"] == pytest.approx(power(0.02, 0.015, 8, comparisons=3))
    assert power(0.02, 0.015, arms["seeds_needed"], comparisons=3) >= 0.8
    assert power(0.02, 0.015, arms["seeds_needed"] - 1, comparisons=3) < 0.8
    assert power(arms["detectable_effect"], 0.015, 8, comparisons=3) == pytest.approx(0.8)
    main, interaction = fraction["power"]["needs"]
    assert (main["kind"], main["effects"]) == ("main effect", 4)
    assert main["sd"] == pytest.approx(0.015 / 2), "the mean of four differences"
    assert (interaction["kind"], interaction["effects"]) == ("interaction", 3)
    assert interaction["sd"] == pytest.approx(0.015)
    assert interaction["seeds_needed"] > main["seeds_needed"]


def test_the_spread_of_contrasts_is_that_of_simulated_studies(designs) -> None:
    """Differences of two arms have the spread stated; so have the contrasts the one that plans reckon with."""
    [_, study] = load_studies(designs)
    arms = make_arms(study.ablation, {}, study.settings)
    draw = np.random.default_rng(0)
    noise = draw.normal(0, 1 / np.sqrt(2), (len(arms), 4000))
    measured = [ArmValues(arm.name, dict(enumerate(row))) for arm, row in zip(arms, noise, strict=True)]
    found = {need.kind: need.sd for need in needs(study.ablation, arms, Spread(1.0, "stated"))}
    for contrast in contrasts_of(study.ablation, arms).effects:
        seen = np.std(comparison_of(contrast, measured, "maximize").values)
        assert seen == pytest.approx(found[contrast.kind], rel=0.05), contrast.name


PILOT = """\
study: pilot
trainable: parabola
ablation:
  factors: {x: [0.3, 0.5, 0.7]}
  seeds: 6
  compare: {metric: test/score}
"""


def store_pilot(folder: Path, spread: float, text: str = PILOT) -> None:
    """A finished ablation whose paired differences have exactly this spread."""
    store, [study] = LocalStore(folder), parse_studies(text, "pilot.yaml")
    settle_study(store, study, {}, fresh=False)
    ledger = Ledger(store, RunId(study.study))
    for one in replicates_of(study.ablation, make_arms(study.ablation, {})):
        noise = 0.0 if one.arm.is_baseline else spread * np.sqrt(5 / 6) * (-1) ** one.seed
        facts = {
            "seed": one.seed,
            "outcome": "completed",
            "params": {},
            "settings": dict(one.arm.settings),
            "epochs": 3,
        }
        metrics = {"test/score": 0.5 + 0.1 * one.seed + noise}
        ledger.add(make_record(key=one.key, study=study.study, arm=one.arm.name, metrics=metrics, **facts))


def test_a_pilot_tells_the_spread(saddle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store_pilot(tmp_path / "runs", 0.04)
    Path("next.yaml").write_text(PILOT.replace("study: pilot", "study: next").replace("seeds: 6", "seeds: 9"))
    [plan] = json.loads(saddle("plan", "next.yaml", "--pilot", "pilot", "--effect", "0.05", "--json").stdout)
    found = plan["power"]
    assert found["spread"] == pytest.approx(0.04)
    assert found["source"] == "from pilot: 12 pairs of 2 arms"
    assert found["spread_low"] < 0.04 < found["spread_high"]
    assert found["needs"][0]["power"] == pytest.approx(power(0.05, 0.04, 9, comparisons=2))
    shown = saddle("plan", "next.yaml", "--pilot", "pilot").stdout
    assert "spread of paired differences: 0.04 (from pilot: 12 pairs of 2 arms; 95 % interval 0.0" in shown
    assert "for 80 % it takes" not in shown, "nothing was asked about an effect"
    Path("pilot.yaml").write_text(PILOT.replace("seeds: 6", "seeds: 7"))
    [own] = json.loads(saddle("plan", "pilot.yaml", "--json").stdout)
    assert own["power"]["spread"] == pytest.approx(0.04), "a study that has run is its own pilot"
    assert own["power"]["source"].startswith("from pilot")


def test_the_interval_of_a_pilots_spread_holds_as_often_as_it_says() -> None:
    draw = np.random.default_rng(1)
    held = 0
    for values in draw.normal(0, 1 / np.sqrt(2), (2000, 4, 5)):
        found = pilot_spread([ArmValues(str(arm), dict(enumerate(row))) for arm, row in enumerate(values)], "here")
        held += found.low <= 1 <= found.high
    assert 0.94 <= held / 2000 <= 0.96


def test_a_race_has_seeds_at_most(saddle, designs) -> None:
    shown = saddle("plan", designs, "--set", "parts:ablation.race=true", "--spread", "0.01").stdout
    assert "32 trials at most: an arm that is settled gets no more seeds" in shown
    assert "6 looks, α spent as O'Brien and Fleming would; |t| that ends it at the strictest comparison:" in shown
    [parts, _] = json.loads(saddle("plan", designs, "--set", "parts:ablation.race=true", "--json").stdout)
    assert parts["design"]["raced"] is True
    assert [look["seeds"] for look in parts["looks"]] == [3, 4, 5, 6, 7, 8]


def test_a_plan_shows_declared_looks_their_bounds_and_the_power_at_the_first_and_the_last(saddle, tmp_path) -> None:
    (tmp_path / "looks.yaml").write_text(
        "study: looks\nquestion: Does x help?\ntrainable: parabola\nablation: {baseline: {x: 0.3}, "
        "factors: {x: [0.3, 0.5]}, seeds: {start: 5, at_most: 20}, compare: {metric: test/score}}\n"
    )
    asked = ("plan", tmp_path / "looks.yaml", "--effect", "0.02", "--spread", "0.02")
    [found] = json.loads(saddle(*asked, "--json").stdout)
    assert [look["seeds"] for look in found["looks"]] == [5, 10, 20]
    bounds = [look["critical_t"] for look in found["looks"]]
    assert bounds[0] == pytest.approx(float(stats.t.isf(0.05 * math.log1p((math.e - 1) / 4) / 2, 4)), abs=1e-6)
    assert bounds == sorted(bounds, reverse=True)
    [need] = found["power"]["needs"]
    assert 0 < need["power_at_first_look"] < need["power"] < power(0.02, 0.02, 20), "looks cost a little power"
    assert need["seeds_needed"] <= 20
    shown = saddle(*asked).stdout
    assert "2 arms × 20 paired seeds = 40 trials at most: an arm that is settled gets no more seeds" in shown
    assert "3 looks, α spent as Pocock would; |t| that ends it:" in shown
    assert f"5 seeds: {bounds[0]:.2f}; 10 seeds: {bounds[1]:.2f}; 20 seeds: {bounds[2]:.2f}" in shown
    assert f"({100 * need['power_at_first_look']:.0f} % at the first look, after 5)" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--effect", "0.02"], "give --spread SD, or --pilot STUDY"),
        (["--effect", "0.02", "--pilot", "pilt"], "the pilot pilt is not a study in this storage; did you mean pilot?"),
        (["--pilot", "mine"], "the pilot mine is a search, whose trials are not paired"),
        (["--pilot", "still"], "the pilot still has no arm with two complete pairs of test/score that differ"),
        (["--effect", "0", "--spread", "0.1"], "--effect 0 is not above zero"),
        (["--spread", "-1"], "--spread -1 is not above zero"),
        (["--spread", "0.1", "--pilot", "pilot"], "--spread and --pilot both say how large the spread is"),
    ],
)
def test_senseless_questions_about_power(saddle, tmp_path, monkeypatch, capsys, arguments, words) -> None:
    monkeypatch.chdir(tmp_path)
    store_pilot(tmp_path / "runs", 0.04)
    store_pilot(tmp_path / "runs", 0.0, PILOT.replace("study: pilot", "study: still"))
    settle_study(LocalStore(tmp_path / "runs"), parse_studies(SEARCH, "mine.yaml")[0], None, fresh=False)
    Path("next.yaml").write_text(PILOT.replace("study: pilot", "study: next"))
    result = saddle("plan", "next.yaml", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--effect", "2", "--spread", "0.01"], "--effect 2 can't be: test/robust_accuracy.worst_case is a share of 1"),
        (["--effect", "2", "--spread", "0.01"], "2 would be 200 points; a share's unit is 1: write 0.02 for 2 points"),
        (["--effect", "1", "--pilot", "quickstart"], "write 0.01 for 1 point"),
        (["--spread", "1.5"], "--spread 1.5 can't be"),
        (["--set", "quickstart-ablation:ablation.compare.equivalence=2"], "compare.equivalence: test/robust"),
    ],
)
def test_a_difference_of_shares_is_below_one(saddle, tmp_path, monkeypatch, arguments, words) -> None:
    monkeypatch.chdir(tmp_path)
    result = saddle("plan", "quickstart", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_power_is_no_question_about_a_search(saddle, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(SEARCH)
    result = saddle("plan", "mine.yaml", "--spread", "0.1")
    assert result.exit_code == 2
    assert "ask about an ablation, and this file has none" in " ".join(result.output.split())
