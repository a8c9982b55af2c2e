# ruff: noqa: E501  (one mistake and its message to a line reads best)
"""Each mistake in a search gives one message: where, what is wrong, what would be right, the nearest name."""

from __future__ import annotations

import re

import pytest

# (text to replace, its replacement, where the problem is, words of its message)
SEARCH_MISTAKES = [
    ("study: one", "study: ../one", "study", "'../one' can't be a study's name: it becomes a folder; use letters"),
    ("study: one", "study: a/b", "study", "can't be a study's name"),
    ("study: one", 'study: ""', "study", "can't be a study's name"),
    ("study: one", "study: 7", "study", '7 is a number, and a name is a text; write "7" with quotes'),
    ("study: one", "study: [one]", "study", "a study's name is a word"),
    ("study: one\n", "", "study", "this is missing; write study: NAME"),
    ("question: Which rate is best?", "question: [a]", "question", "['a'] is not accepted; expected a text"),
    ("question:", "qestion:", "qestion", "unknown key 'qestion'; did you mean question?"),
    ("question:", "xyzzy:", "xyzzy", "unknown key 'xyzzy'; known are: study, question, trainable"),
    ("trainable: fake", "trainable: fak", "trainable", "unknown trainable 'fak'; installed are: fake, other; did you mean fake?"),
    ("trainable: fake\n", "", "trainable", "this is missing"),
    ("trainable: fake", "trainabel: fake", "trainabel", "did you mean trainable?"),
    ("trainable: fake", "trainable: fake\nrecipe: papr", "recipe", "unknown recipe 'papr'; fake has: paper, code; did you mean paper?"),
    ("trainable: fake", "trainable: fake\nscale: huge", "scale", "unknown scale 'huge'; fake has: quick, full"),
    ("dataset: digits", "dataset: 3", "fixed.dataset", "3 is not accepted; expected a text"),
    ("dataset: digits", "datset: digits", "fixed.datset", "fake has no 'datset'; did you mean dataset?"),
    ("dataset: digits", "high: 2", "fixed.high", "2 is not accepted; it must be less than or equal to 1"),
    ("dataset: digits", "high: .nan", "fixed.high", ".nan is not a finite number"),
    ("dataset: digits", 'high: "0.5"', "fixed.high", "'0.5' is not accepted; write 0.5"),
    ("dataset: digits", "high: true", "fixed.high", "True is not accepted; expected a number"),
    ("dataset: digits", "epochs: 1.5", "fixed.epochs", "1.5 is not accepted; expected a whole number"),
    ("dataset: digits", "random_start: 1", "fixed.random_start", "1 is not accepted; expected true or false"),
    ("dataset: digits", "perturbation: mpp", "fixed.perturbation", "'mpp' is not known; known are: sta, mta, mp; did you mean mp?"),
    ("tasks: [odd_even]", "tasks: {a: 1}", "fixed.tasks", "expected a list"),
    ("tasks: [odd_even]", "perturbation: mp", "fixed.perturbation", "perturbation mp needs tasks"),
    ("tasks: [odd_even]", "low: 0.6, high: 0.4", "fixed.low", "low 0.6 is above high 0.4"),
    ("fixed: {", "fixed: {lr: 0.1, ", "search.lr", "lr is in fixed, too (line 4); keep one of them"),
    ("fixed: {", "evaluate: {dataset: digits}\nfixed: {", "evaluate.dataset", "dataset is in fixed, too (line 5)"),
    ("budget:", "evaluate: {attacks: [pgd, cw]}\nbudget:", "evaluate.attacks[1]", "attack 'cw' is not there yet; there is: pgd"),
    ("fixed: {dataset: digits, tasks: [odd_even]}", "fixed: [a]", "fixed", "expected a mapping"),
    ("[1e-4, 1e-1]", "[1e-1, 1e-4]", "search.lr", "the range is reversed: 0.1 is above 0.0001; write [0.0001, 0.1]"),
    ("[1e-4, 1e-1]", "[0.1, 0.1]", "search.lr", "the range holds only 0.1; move it to fixed"),
    ("[1e-4, 1e-1]", "[0, 1e-1]", "search.lr", "a log scale can't start at 0.0; choose a lower bound above zero"),
    ("[1e-4, 1e-1]", "[1e-4, 2.0]", "search.lr.float[1]", "2.0 is not accepted; it must be less than or equal to 1"),
    ("[1e-4, 1e-1]", "[1e-4]", "search.lr.float[1]", "this is missing"),
    ("[1e-4, 1e-1]", "[1e-4, high]", "search.lr.float[1]", "'high' is not accepted; expected a number"),
    ("[1e-4, 1e-1]", "3", "search.lr.float", "3 is not accepted; expected a list"),
    ("log: true", "log: 1", "search.lr.log", "1 is not accepted; expected true or false"),
    ("log: true", "logg: true", "search.lr.logg", "unknown key 'logg'; known are: float, int, choice, log, step, when; did you mean log?"),
    ("log: true", "log: true, step: 0.01", "search.lr", "log and step exclude each other"),
    ("log: true", "int: [1, 2]", "search.lr", "give exactly one of float, int and choice"),
    ("lr: {float: [1e-4, 1e-1], log: true}", "lr: 0.1", "search.lr", "0.1 is not a range; write lr: {float: [LOW, HIGH]}"),
    ("lr: {float: [1e-4, 1e-1], log: true}", "lr: {choice: [0.1, 3]}", "search.lr.choice[1]", "3 is not accepted"),
    ("lr: {float: [1e-4, 1e-1], log: true}", "lr: {choice: [0.1], log: true}", "search.lr", "log and step go with float and int"),
    ("lr: {float", "lrr: {float", "search.lrr", "fake has no 'lrr'; did you mean lr?"),
    ("int: [1, 8]", "int: [0, 8]", "search.steps.int[0]", "0 is not accepted; it must be greater than or equal to 1"),
    ("int: [1, 8]", "int: [1.5, 8]", "search.steps.int[0]", "1.5 is not accepted; expected a whole number"),
    ("int: [1, 8]", "int: [1, 8], step: 0.5", "search.steps", "the step 0.5 of an int range is not a whole number"),
    ("int: [1, 8]", "int: [1, 8], step: 9", "search.steps", "the step 9.0 is wider than the range"),
    ("int: [1, 8]", "float: [1, 8]", "search.steps.float", "steps takes whole numbers only; write {int: [1, 8]}"),
    ("steps: {int: [1, 8]}", "low: {float: [0, 1]}\n  high: {float: [0.5, 1]}", "search.low.float[1]", "low 1 is above high 0.5"),
    ("maximize: validation/accuracy", "maximize: test/accuracy", "objective.maximize", "test data are for the verdict, never for choosing; use validation/accuracy"),
    ("maximize: validation/accuracy", "minimize: train/loss", "objective.minimize", "training data were seen by the method and are never for choosing; use validation/loss"),
    ("maximize: validation/accuracy", "maximize: test/nonsense", "objective.maximize", "use validation/accuracy"),
    ("maximize: validation/accuracy", "maximize: validation/acuracy", "objective.maximize", "unknown metric 'validation/acuracy'; did you mean validation/accuracy?"),
    ("maximize: validation/accuracy", "maximize: accuracy", "objective.maximize", "did you mean validation/accuracy?"),
    ("maximize: validation/accuracy", "maximize: validation/loss", "objective.maximize", "would search for the worst; minimize it; write {minimize: validation/loss}"),
    ("maximize: validation/accuracy", "maximise: validation/accuracy", "objective.maximise", "did you mean maximize?"),
    ("{maximize: validation/accuracy}", "{}", "objective", "give exactly one of maximize and minimize"),
    ("{maximize: validation/accuracy}", "validation/accuracy", "objective", "is not an objective; write {maximize: METRIC}"),
    ("objective: {maximize: validation/accuracy}\n", "", "search", "a search needs an objective; add objective: {maximize: validation/accuracy}"),
    ("objective: {maximize: validation/accuracy}", "objective: []", "objective", "no objective; one to 3 are possible"),
    ("budget:", "constraints: [validation/accuracy > 1]\nbudget:", "constraints[0]", "is not a constraint; write METRIC >= NUMBER"),
    ("budget:", "constraints: [test/accuracy >= 0.5]\nbudget:", "constraints[0]", "test data are for the verdict"),
    ("budget:", "constraints: validation/accuracy >= 0.5\nbudget:", "constraints", "is not a list"),
    ("budget:", "constraints: [validation/accuracy >= 1e999]\nbudget:", "constraints[0]", "expected a finite number"),
    ("{tpe: {startup_trials: 4}}", "tppe", "sampler.tppe", "unknown key 'tppe'; known are: tpe, gp, cmaes, nsga2, random, qmc, grid; did you mean tpe?"),
    ("{tpe: {startup_trials: 4}}", "{tpe: {}, gp: {}}", "sampler", "give exactly one of tpe, gp, cmaes, nsga2, random, qmc, grid, not 2"),
    ("{tpe: {startup_trials: 4}}", "[tpe]", "sampler", "expected a mapping"),
    ("startup_trials: 4", "startup_trial: 4", "sampler.tpe.startup_trial", "did you mean startup_trials?"),
    ("startup_trials: 4", "startup_trials: 9", "sampler.tpe.startup_trials", "all 8 trials would be start-up trials, drawn at random: tpe starts after 9; write sampler: {tpe: {startup_trials: 2}}"),
    ("{tpe: {startup_trials: 4}}", "gp", "sampler", "all 8 trials would be start-up trials"),
    ("budget:", "resources: {concurrency: 5}\nbudget:", "sampler.tpe.startup_trials", "5 concurrent trials, but only 4 start-up trials"),
    ("early_stopping: asha", "early_stopping: ashaa", "early_stopping.ashaa", "did you mean asha?"),
    ("early_stopping: asha", "early_stoping: asha", "early_stoping", "did you mean early_stopping?"),
    ("early_stopping: asha", "early_stopping: {asha: {grace_epochs: 0}}", "early_stopping.asha.grace_epochs", "0 is not accepted; it must be greater than or equal to 1"),
    ("trials: 8", "trials: 0", "budget.trials", "0 is not accepted"),
    ("trials: 8", 'trials: "8"', "budget.trials", "'8' is not accepted; expected a whole number"),
    ("trials: 8", "trials: true", "budget.trials", "True is not accepted; expected a whole number"),
    ("trials: 8", "trails: 8", "budget.trails", "did you mean trials?"),
    ("trials: 8", "gpu_hours: 8", "budget", "this search has no end; add budget: {trials: 64}"),
    ("budget: {trials: 8}\n", "", "search", "this search has no end"),
    ("budget: {trials: 8}", "budget: 8", "budget", "8 is not accepted; expected a mapping"),
    ("budget:", "resources: {workers: 0}\nbudget:", "resources.workers", "greater than or equal to 1"),
    ("budget:", "resources: {gpus_per_worker: 1.5}\nbudget:", "resources.gpus_per_worker", "above one GPU only whole ones"),
    ("budget:", "published: table4.csv\nbudget:", "published", "no such file: 'table4.csv'"),
    ("log: true", "log: true, when: {lr: 0.1}", "search.lr.when.lr", "lr can't depend on itself"),
    ("log: true", "log: true, when: {stepss: 1}", "search.lr.when.stepss", "lr depends on 'stepss', which doesn't exist; name a parameter; did you mean steps?"),
    ("log: true", "log: true, when: {steps: 9}", "search.lr.when.steps", "steps never takes 9; it is a whole number from 1 to 8"),
    ("log: true", "log: true, when: {steps: []}", "search.lr.when.steps", "an empty list is never satisfied"),
    ("log: true", "log: true, when: {dataset: mnist}", "search.lr.when.dataset", "dataset is fixed to 'digits', so lr would never be searched"),
    ("log: true", "log: true, when: 3", "search.lr.when", "expected a mapping"),
    ("budget:", "constraints: [validation/accuracy >= 97]\nbudget:", "constraints[0]", "validation/accuracy is a share, from 0 to 1, and 97 is none; a share's unit is 1: write 0.97 for 97 %"),
    ("budget:", "constraints: [validation/accuracy <= -0.5]\nbudget:", "constraints[0]", "from 0 to 1, and -0.5 is none"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "where", "words"), SEARCH_MISTAKES, ids=lambda value: str(value)[:30])
def test_each_mistake_gives_one_message_at_its_place(old, new, where, words, search_text, refuse) -> None:
    assert old in search_text
    text = search_text.replace(old, new)
    [problem] = refuse(text)
    assert problem.where == where
    assert words in str(problem)
    lines = text.splitlines()
    key = where.rpartition(".")[2].partition("[")[0]
    assert str(problem).startswith(f"study.yaml:{problem.line}: {where}: ")
    if "missing" not in words:
        assert re.search(rf"\b{re.escape(key)}\b", lines[problem.line - 1]), (problem, lines[problem.line - 1])


def test_conditions_in_a_circle(refuse, search_text) -> None:
    text = search_text.replace(
        "  lr: {float: [1e-4, 1e-1], log: true}\n  steps: {int: [1, 8]}",
        "  perturbation: {choice: [sta, mta], when: {steps: 1}}\n"
        "  steps: {int: [1, 8], when: {epochs: 2}}\n"
        "  epochs: {int: [1, 3], when: {perturbation: mta}}\n"
        "  random_start: {choice: [true, false], when: {epochs: [1, 3]}}",
    )
    [problem] = refuse(text)
    assert "the conditions are circular: perturbation → steps → epochs → perturbation" in problem.what


def test_a_condition_on_a_choice_that_is_never_made(refuse, search_text) -> None:
    text = search_text.replace("steps: {int: [1, 8]}", "perturbation: {choice: [sta, mta]}")
    [problem] = refuse(text.replace("log: true", "log: true, when: {perturbation: [sta, mtaa]}"))
    assert "perturbation never takes 'mtaa'" in problem.what
    assert problem.nearest == "mta"


def test_a_condition_may_speak_of_fixed_and_of_open_fields(load, search_text) -> None:
    [study] = load(search_text.replace("log: true", "log: true, when: {dataset: [digits, mnist], schedule: cyclic}"))
    assert study.search["lr"].when == {"dataset": ["digits", "mnist"], "schedule": "cyclic"}


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("perturbation: {choice: [sta, mta]}", "perturbation, which is a choice"),
        ("low: {float: [0, 0.5], when: {steps: 1}}", "low, which is conditional"),
    ],
)
def test_cmaes_refuses_what_it_would_draw_at_random(parameter, words, refuse, search_text) -> None:
    text = search_text.replace("sampler: {tpe: {startup_trials: 4}}", "sampler: cmaes")
    [problem] = refuse(text.replace("objective:", f"  {parameter}\nobjective:"))
    assert (problem.where, words in problem.what) == ("sampler", True)


def test_cmaes_needs_two_parameters_and_one_objective(refuse, search_text) -> None:
    text = search_text.replace("sampler: {tpe: {startup_trials: 4}}", "sampler: cmaes").replace(
        "  steps: {int: [1, 8]}\n", ""
    )
    assert "at least two parameters" in refuse(text)[0].what


def test_several_objectives_exclude_early_stopping_and_cmaes(refuse, load, search_text) -> None:
    several = "[{maximize: validation/accuracy}, {minimize: validation/loss}]"
    text = search_text.replace("{maximize: validation/accuracy}", several)
    [problem] = refuse(text)
    assert problem.where == "early_stopping"
    assert "asha can't stop trials early with 2 objectives" in problem.what
    cmaes = text.replace("early_stopping: asha", "early_stopping: none").replace("{tpe: {startup_trials: 4}}", "cmaes")
    assert "cmaes can't search for 2 objectives" in refuse(cmaes)[0].what
    [study] = load(text.replace("early_stopping: asha", "early_stopping: none"))
    assert [objective.direction for objective in study.objective] == ["maximize", "minimize"]


def test_more_than_three_objectives_and_the_same_twice(refuse, search_text) -> None:
    entries = ", ".join(["{maximize: validation/accuracy}"] * 4)
    text = search_text.replace("{maximize: validation/accuracy}", f"[{entries}]")
    told = [str(problem) for problem in refuse(text.replace("early_stopping: asha\n", ""))]
    assert sum("4 objectives; one to 3 are possible" in line for line in told) == 1
    assert sum("is an objective already" in line for line in told) == 3


def test_a_grid_needs_no_budget(load, search_text) -> None:
    text = search_text.replace("sampler: {tpe: {startup_trials: 4}}", "sampler: {grid: {points: 3}}")
    [study] = load(text.replace("budget: {trials: 8}\n", ""))
    assert study.budget.trials is None


def test_neither_both_and_what_belongs_to_a_search(refuse, search_text, ablation_text) -> None:
    [neither] = refuse("study: one\ntrainable: fake\n")
    assert "there is neither a search nor an ablation" in neither.what
    both = refuse(search_text + ablation_text.partition("odd_even]}\n")[2])
    assert [problem.where for problem in both] == ["ablation"]
    lost = refuse(ablation_text + "sampler: tpe\nearly_stopping: asha\nobjective: {maximize: validation/accuracy}\n")
    assert [problem.where for problem in lost] == ["sampler", "early_stopping", "objective"]
    assert "sampler belongs to a search, and this is an ablation" in lost[0].what


def test_all_mistakes_of_all_documents_at_once(refuse, search_text, ablation_text) -> None:
    first = (
        search_text.replace("trials: 8", "trials: zero").replace("digits", "[]").replace("int: [1, 8]", "int: [8, 1]")
    )
    second = (
        ablation_text.replace("seeds: 3", "seeds: [1, 1]")
        .replace("test/accuracy", "test/acc")
        .replace("sta, mta", "staa, mta")
    )
    problems = refuse(f"{first}---\n{second}colour: red\n")
    assert [problem.where for problem in problems] == [
        "fixed.dataset",
        "search.steps",
        "budget.trials",
        "ablation.factors.perturbation[0]",
        "ablation.seeds[1]",
        "ablation.compare.metric",
        "colour",
    ]
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)


def test_a_refused_value_is_not_complained_of_twice(refuse, search_text) -> None:
    problems = refuse(
        search_text.replace("[1e-4, 1e-1]", "!!python/object:os.system [1, 2]").replace("{trials: 8}", "!x {}")
    )
    assert [problem.where for problem in problems] == ["search.lr.float", "budget"]


def test_a_mistake_that_documents_inherit_is_told_once(refuse, search_text, ablation_text) -> None:
    second = ablation_text.replace("trainable: fake\nfixed: {dataset: digits, tasks: [odd_even]}\n", "")
    problems = refuse(search_text.replace("dataset: digits", "datset: digits") + "---\n" + second)
    assert [problem.where for problem in problems] == ["fixed.datset"]


def test_names_of_a_file_are_unique(refuse, search_text, ablation_text) -> None:
    [problem] = refuse(search_text + "---\n" + ablation_text.replace("study: two", "study: one"))
    assert "the name one is taken by the study at study.yaml:1" in problem.what
    assert problem.line == 13


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n- b\n", "a study is a mapping, not a list"),
        ("word\n", "not a single value"),
        ("0\n", "not a single value"),
        ("true\n", "not a single value"),
    ],
)
def test_a_study_is_a_mapping(text, words, refuse) -> None:
    [problem] = refuse(text)
    assert words in problem.what
