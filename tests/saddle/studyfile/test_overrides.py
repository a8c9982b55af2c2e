# ruff: noqa: E501  (one mistake and its message to a line reads best)
"""`--set path=value`: where it goes, and what is said when it goes nowhere."""

from __future__ import annotations

import pytest

from saddle.studyfile.overrides import override
from saddle.studyfile.problem import Place
from saddle.studyfile.yaml_reader import Document


@pytest.fixture(scope="session")
def both(search_text: str, ablation_text: str) -> str:
    return f"{search_text}---\n{ablation_text}"


def test_values_are_yaml(load, both) -> None:
    overrides = ["search.lr.float=[1e-3,1e-2]", "budget.trials=4", "fixed.dataset=mnist", "fixed.epochs=null"]
    search, ablation = load(both, overrides)
    assert search.search["lr"].float_range == (1e-3, 1e-2)
    assert search.search["lr"].log
    assert search.budget.trials == 4
    assert ablation.budget.trials is None
    assert search.fixed["dataset"] == ablation.fixed["dataset"] == "mnist"
    assert search.fixed["epochs"] is None


def test_one_study_of_the_file(load, both) -> None:
    search, ablation = load(both, ["two:fixed.dataset=mnist", "two:ablation.seeds=[4,5]", "one:question=What now?"])
    assert (search.fixed["dataset"], ablation.fixed["dataset"]) == ("digits", "mnist")
    assert ablation.ablation.seed_list == [4, 5]
    assert search.question == "What now?"


def test_settings_go_where_they_make_sense(load, both) -> None:
    search, ablation = load(both, ["sampler.tpe.seed=3", "early_stopping=none", "ablation.compare.alpha=0.1"])
    assert search.sampler.options.seed == 3
    assert search.sampler.options.startup_trials == 4
    assert search.early_stopping.name == "none"
    assert ablation.ablation.compare.alpha == 0.1


def test_setting_one_of_several_names_puts_away_the_others(load, both) -> None:
    overrides = ["sampler.random.seed=1", "objective.minimize=validation/loss", "search.steps.choice=[1, 2]"]
    search, _ = load(both, overrides)
    assert search.sampler.name == "random"
    assert (search.objective[0].direction, search.objective[0].metric) == ("minimize", "validation/loss")
    assert search.search["steps"].choice == [1, 2]
    search, _ = load(both, ["early_stopping.asha.grace_epochs=2"])
    assert search.early_stopping.options.grace_epochs == 2


def test_sections_that_are_not_there_are_made(load, both) -> None:
    search, ablation = load(
        both, ["resources.concurrency=2", "evaluate.attacks=[pgd]", "search.high={float: [0.5, 1]}"]
    )
    assert search.resources.concurrency == ablation.resources.concurrency == 2
    assert search.evaluate == {"attacks": ["pgd"]}
    assert list(search.search) == ["lr", "steps", "high"]


def test_later_overrides_win_and_nothing_takes_away(load, both) -> None:
    search, _ = load(both, ["budget.trials=4", "budget.trials=6", "budget.hours=1", "question="])
    assert (search.budget.trials, search.budget.hours, search.question) == (6, 1, "")


def test_a_small_budget_is_a_quick_try(load, both) -> None:
    assert load(both, ["budget.trials=1"])[0].budget.trials == 1


def test_an_override_mends_the_file(load, both) -> None:
    assert load(both.replace("trials: 8", "trials: none"), ["budget.trials=8"])[0].budget.trials == 8


@pytest.mark.parametrize(
    ("written", "setting", "name"),
    [
        ("design: one_factor", "design=factorial", "factorial"),
        ("design: one_factor", "design.fractional.resolution=3", "fractional"),
        ("design: {fractional: {resolution: 5}}", "design.one_factor=", "one_factor"),
        ("race: true", "race.pocock=", "pocock"),
        ("race: pocock", "race=false", "none"),
    ],
)
def test_another_design_or_race_puts_away_the_first(written, setting, name, load, ablation_text) -> None:
    factors = "factors: {random_start: [true, false], schedule: [flat, cyclic], steps: [2, 3]}"
    text = ablation_text.replace("factors: {perturbation: [sta, mta, mp]}", f"{factors}\n  {written}")
    [study] = load(text.replace("seeds: 3", "seeds: 4"), [f"ablation.{setting}"])
    assert getattr(study.ablation, setting.partition("=")[0].partition(".")[0]).name == name


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("budget.trials=x", "--set budget.trials=x: budget.trials: 'x' is not accepted; expected a whole number"),
        ("budget.trials", "--set budget.trials: this sets nothing; write path=value, such as budget.trials=4"),
        ("=4", "--set =4: this sets nothing"),
        ("", "--set : this sets nothing"),
        ("bugdet.trials=4", "no setting is called 'bugdet.trials'; paths start with: study, question"),
        ("bugdet.trials=4", "did you mean budget?"),
        ("budget..trials=4", "no setting is called 'budget..trials'"),
        (
            "budget.trails=4",
            "budget.trails: unknown key 'trails'; known are: trials, hours, gpu_hours, minutes_per_trial, failures_alike; did you mean trials?",
        ),
        (
            "search.lrr.float=[0.1, 0.2]",
            "no study of this file searches 'lrr'; searched are: lr, steps; did you mean lr?",
        ),
        ("search.lr.float=[0.2, 0.1]", "search.lr: the range is reversed"),
        ("three:budget.trials=4", "no study of this file is called 'three'; there are: one, two"),
        ("oen:budget.trials=4", "did you mean one?"),
        ("fixed.dataset.x=4", "fixed.dataset is 'digits' here and has no x; set it whole"),
        ("fixed.datset=mnist", "fixed.datset: fake has no 'datset'; did you mean dataset?"),
        ("fixed.dataset=[", "fixed.dataset: this is not YAML"),
        ("fixed.dataset=a]\n- [b", "fixed.dataset: this is no"),
        ("fixed.dataset=a, b", "this is not a single value; put a text with special characters in quotes"),
        (
            "fixed.dataset=!!python/object:os.system x",
            "fixed.dataset: the tag !!python/object:os.system is not allowed",
        ),
        ("fixed.dataset=\0", "fixed.dataset: this is binary data"),
        ("fixed.lr=0.1", "search.lr: lr is in fixed, too (--set fixed.lr=0.1); keep one of them"),
        ("study=same", "the name same is taken"),
        (
            "resources.gpus_per_worker=1.5",
            "--set resources.gpus_per_worker=1.5: resources.gpus_per_worker: above one GPU only whole ones",
        ),
    ],
)
def test_mistakes_are_told_at_the_override(override: str, told: str, refuse, both) -> None:
    text = "\n".join(map(str, refuse(both, [override])))
    assert told in text
    assert len(text.splitlines()) <= 2


def test_settings_that_no_study_of_the_file_has(refuse, search_text, ablation_text) -> None:
    [problem] = refuse(ablation_text, ["sampler.tpe.seed=1"])
    assert (
        str(problem)
        == "--set sampler.tpe.seed=1: sampler.tpe.seed: no study of this file has a search; remove this override"
    )
    [problem] = refuse(search_text, ["ablation.seeds=5"])
    assert "no study of this file has an ablation" in problem.what


def test_a_part_of_a_path_may_be_quoted(load, search_text) -> None:
    [study] = load(search_text, ['one:"fixed".dataset="x=y"'])
    assert study.fixed["dataset"] == "x=y"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('fixed.tasks.round."a.b"=1', ("fixed", "tasks", "round", "a.b")),
        ('fixed.tasks.round."c:d=e"=1', ("fixed", "tasks", "round", "c:d=e")),
        ("fixed.tasks.round.index 2=1", ("fixed", "tasks", "round", "index 2")),
    ],
)
def test_class_names_with_signs_can_be_set(text, path) -> None:
    document = Document({"fixed": {"tasks": {"round": {"A": 1}}}}, {(): Place("f", 1)})
    [changed], problems = override([document], [text])
    assert problems == []
    value = changed.value
    for part in path:
        value = value[part]
    assert value == 1
