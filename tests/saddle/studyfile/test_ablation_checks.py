# ruff: noqa: E501  (one mistake and its message to a line reads best)
"""Mistakes in an ablation: its arms, its baseline, its seeds, and the search it starts from."""

from __future__ import annotations

import pytest

ABLATION_MISTAKES = [
    ("[sta, mta, mp]", "[sta, mtaa, mp]", "ablation.factors.perturbation[1]", "'mtaa' is not known; known are: sta, mta, mp; did you mean mta?"),
    ("[sta, mta, mp]", "[sta, mta, sta]", "ablation.factors.perturbation[2]", "sta is listed twice; list every level once"),
    ("[sta, mta, mp]", "[sta]", "ablation.factors.perturbation", "leave only the baseline; list a level that differs from it"),
    ("[sta, mta, mp]", "[]", "ablation.factors.perturbation", "[] is not a list of levels; write perturbation: [A, B]"),
    ("[sta, mta, mp]", "mp", "ablation.factors.perturbation", "'mp' is not a list of levels"),
    ("{perturbation: [sta, mta, mp]}", "{}", "ablation.factors", "{} has no factor"),
    ("{perturbation: [sta, mta, mp]}", "{perturbations: [sta, mta]}", "ablation.factors.perturbations", "fake has no 'perturbations'; did you mean perturbation?"),
    ("{perturbation: sta}", "{perturbation: sta, lr: 7}", "ablation.baseline.lr", "7 is not accepted; it must be less than or equal to 1"),
    ("{perturbation: sta}", "{perturbation: sta, lrr: 7}", "ablation.baseline.lrr", "fake has no 'lrr'; did you mean lr?"),
    ("{perturbation: sta}", "sta", "ablation.baseline", "'sta' is not accepted; expected a mapping"),
    ("{perturbation: sta}", "{perturbation: sta, low: 1, high: 0.5}", "ablation.baseline.low", "low 1 is above high 0.5"),
    ("tasks: [odd_even]", "tasks: []", "ablation.factors.perturbation", "arm perturbation=mta: perturbation mta needs tasks"),
    ("seeds: 3", "seeds: 0", "ablation.seeds", "0 is not accepted; it must be greater than or equal to 1, or a list"),
    ("seeds: 3", "seeds: []", "ablation.seeds", "[] is not accepted"),
    ("seeds: 3", "seeds: [1, -2]", "ablation.seeds[1]", "-2 is not accepted; it must be greater than or equal to 0"),
    ("seeds: 3", "seeds: {start: 2, at_most: 8}", "ablation.seeds.start", "2 is not accepted; it must be greater than or equal to 3"),
    ("seeds: 3", "seeds: {start: 5}", "ablation.seeds.at_most", "missing"),
    ("seeds: 3", "seeds: {start: 5, at_most: 5}", "ablation.seeds.at_most", "5 is not above start, which is 5; give more, or a plain number, seeds: 5"),
    ("seeds: 3", "seeds: {start: 5, at_most: 200}", "ablation.seeds", "takes 4 to 100 seeds, and this one has 200; give 4 to 100 seeds, or a plain number of seeds"),
    ("seeds: 3", "seeds: {start: 5, at_most: 20}\n  design: factorial", "ablation.seeds", "a factorial design has effects across all arms"),
    ("seeds: 3", "seeds: [1, 2, 1]", "ablation.seeds[2]", "seed 1 is given twice; it would count one measurement as two"),
    ("seeds: 3", "sedes: 3", "ablation.sedes", "unknown key 'sedes'; did you mean seeds?"),
    ("seeds: 3", "design: one_facter", "ablation.design.one_facter", "unknown key 'one_facter'; known are: factorial, fractional, leave_one_out, one_factor; did you mean one_factor?"),
    ("seeds: 3", "design: {fractionl: {resolution: 4}}", "ablation.design.fractionl", "unknown key 'fractionl'; known are: factorial, fractional, leave_one_out, one_factor; did you mean fractional?"),
    ("seeds: 3", "design: {factorial: {}, one_factor: {}}", "ablation.design", "give exactly one of factorial, fractional, leave_one_out, one_factor, not 2"),
    ("seeds: 3", "design: {fractional: {resolution: 2}}", "ablation.design.fractional.resolution", "2 is not accepted; it must be greater than or equal to 3"),
    ("seeds: 3", "design: {fractional: {resolutoin: 4}}", "ablation.design.fractional.resolutoin", "unknown key 'resolutoin'; known are: resolution; did you mean resolution?"),
    ("seeds: 3", "race: pocok", "ablation.race.pocok", "unknown key 'pocok'; known are: none, obrien_fleming, pocock; did you mean pocock?"),
    ("seeds: 3", "design: leave_one_out", "ablation.factors.perturbation", "leave_one_out needs exactly one off level of perturbation"),
    ("metric: test/accuracy", "metric: test/acc", "ablation.compare.metric", "unknown metric 'test/acc'; did you mean test/accuracy?"),
    ("metric: test/accuracy", "also: [test/*, tset/*]", "ablation.compare.also[1]", "unknown metric 'tset/*'"),
    ("metric: test/accuracy", "metric: train/loss", "ablation.compare.metric", "arms are compared on data that they weren't trained on"),
    ("metric: test/accuracy", "alpha: 1", "ablation.compare.alpha", "1 is not accepted; it must be less than 1"),
    ("metric: test/accuracy", "correction: bonferroni", "ablation.compare.correction", "'bonferroni' is not known; known are: holm"),
    ("metric: test/accuracy", "equivalence: -1", "ablation.compare.equivalence", "-1 is not accepted"),
    ("{perturbation: sta}", "{best_of: two, perturbation: sta}", "ablation.baseline.best_of", "two is this very study; name a search"),
    ("{perturbation: sta}", "{best_of: a/b, perturbation: sta}", "ablation.baseline.best_of", "'a/b' is not accepted; it should match pattern"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "words"), ABLATION_MISTAKES, ids=lambda value: str(value)[:30])
def test_each_mistake_gives_one_message_at_its_place(old, new, where, words, ablation_text, refuse) -> None:
    assert old in ablation_text
    problems = [
        problem for problem in refuse(ablation_text.replace(old, new)) if "arm perturbation=mp:" not in problem.what
    ]
    assert [problem.where for problem in problems] == [where]
    assert words in str(problems[0])


def test_an_ablation_without_factors(refuse, ablation_text) -> None:
    [problem] = refuse(ablation_text.replace("  factors: {perturbation: [sta, mta, mp]}\n", ""))
    assert (problem.where, problem.what) == ("ablation.factors", "this is missing")


def test_arms_of_a_factorial_design_must_fit_together(refuse, ablation_text) -> None:
    text = ablation_text.replace("{perturbation: sta}", "{low: 0.2, high: 0.9}")
    text = text.replace("{perturbation: [sta, mta, mp]}", "{low: [0.2, 0.8], high: [0.9, 0.5]}\n  design: factorial")
    [problem] = refuse(text)
    assert problem.where == "ablation.factors"
    assert "arm low=0.8, high=0.5: low 0.8 is above high 0.5" in problem.what


def test_every_factor_is_checked_against_the_design(refuse, ablation_text) -> None:
    text = ablation_text.replace("{perturbation: sta}", "{perturbation: mp, random_start: true, steps: 3}")
    factors = "{perturbation: [sta, mta], random_start: [false], steps: [3]}\n  design: leave_one_out"
    problems = refuse(text.replace("{perturbation: [sta, mta, mp]}", factors))
    assert [problem.where for problem in problems] == ["ablation.factors.perturbation", "ablation.factors.steps"]


def test_a_factor_may_also_be_fixed(load, ablation_text) -> None:
    [study] = load(ablation_text.replace("fixed: {", "fixed: {perturbation: mp, "))
    assert study.settings["perturbation"] == "mp"
    assert study.ablation.baseline == {"perturbation": "sta"}


class TestBestOf:
    """The baseline as the best trial of a search."""

    @pytest.fixture
    def best_of(self, ablation_text) -> str:
        return ablation_text.replace("{perturbation: sta}", "{best_of: one, perturbation: sta}")

    def test_a_search_before_it_in_the_file(self, load, search_text, best_of) -> None:
        _, study = load(f"{search_text}---\n{best_of}")
        assert study.ablation.best_of == "one"
        assert study.ablation.baseline == {"perturbation": "sta"}

    def test_a_study_elsewhere(self, load, best_of) -> None:
        [study] = load(best_of)
        assert study.ablation.best_of == "one"

    def test_a_search_after_it(self, refuse, search_text, best_of) -> None:
        [problem] = refuse(f"{best_of}---\n{search_text}")
        assert "one comes later in this file" in problem.what
        assert problem.line == 5

    def test_an_ablation(self, refuse, ablation_text, best_of) -> None:
        [problem] = refuse(f"{ablation_text.replace('study: two', 'study: one')}---\n{best_of}")
        assert "one is not a search, so it has no best trial" in problem.what

    def test_a_search_of_another_trainable(self, refuse, search_text, best_of) -> None:
        [problem] = refuse(f"{search_text.replace('trainable: fake', 'trainable: other')}---\n{best_of}")
        assert "one trains other, whose settings don't exist here" in problem.what

    def test_a_search_with_several_objectives(self, refuse, search_text, best_of) -> None:
        several = "[{maximize: validation/accuracy}, {minimize: validation/loss}]"
        search = search_text.replace("{maximize: validation/accuracy}", several).replace("early_stopping: asha\n", "")
        [problem] = refuse(f"{search}---\n{best_of}")
        assert "one has 2 objectives, so no trial of it is the best" in problem.what

    def test_given_twice(self, refuse, best_of) -> None:
        [problem] = refuse(best_of.replace("  seeds: 3", "  best_of: one\n  seeds: 3"))
        assert "best_of is given twice" in problem.what

    def test_a_factor_that_the_search_decides(self, load, search_text, best_of) -> None:
        text = best_of.replace("{perturbation: [sta, mta, mp]}", "{lr: [0.001, 0.01]}")
        assert len(load(f"{search_text}---\n{text}")) == 2
