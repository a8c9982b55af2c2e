# ruff: noqa: E501  (one mistake and its message to a line reads best)
"""Documents of one file that are completed from its first, and documents that are several studies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from saddle.design import make_arms, replicates_of
from saddle.study.models import Study
from saddle.studyfile.dump import dump_study, refused_differences
from saddle.studyfile.loader import load_studies, parse_studies
from saddle.studyfile.packaged import PACKAGE, packaged_studies
from saddle.studyfile.yaml_reader import read_documents
from saddle.submit.job_spec import resolved

REPEATED = Path(__file__).parent / "repeated"
"""The packaged files that repeated themselves, as they were before documents inherited more than settings."""

ABLATION = """\
study: first
trainable: fake
fixed: {dataset: digits, tasks: [odd_even]}
ablation:
  baseline: {perturbation: sta, low: 0.1}
  factors: {perturbation: [sta, mp], steps: [3, 4]}
  exclude: [{perturbation: mp, steps: 4}]
  components: {short: {off: {epochs: 1}}}
  blocks: {lr: [0.1, 0.2]}
  seeds: 5
  race: true
  compare: {metric: test/accuracy, equivalence: 0.01}
---
study: second
"""
SEARCH = """\
study: first
trainable: fake
search:
  lr: {float: [1e-4, 1e-1], log: true}
  steps: {int: [1, 8]}
objective: {maximize: validation/accuracy}
constraints: [validation/accuracy >= 0.5]
sampler: {random: {seed: 3}}
early_stopping: asha
budget: {trials: 8, hours: 2}
checkpoints: {best: 1}
---
study: second
"""
EACH = """\
study: each
for: {dataset: [mnist, tiny_imagenet]}
question: Does it help on {dataset}?
trainable: fake
fixed: {tasks: [odd_even]}
ablation: {factors: {perturbation: [sta, mp]}}
"""
REPETITIONS = """
study: repeated
trainable: fake
for: {sampler_seed: [3, 8]}
search: {lr: {float: [0.1, 1.0]}}
budget: {trials: 24}
objective: {maximize: validation/accuracy}
"""
ABLATION = ABLATION.replace("  components: {short: {off: {epochs: 1}}}\n", "")


class TestAblations:
    """What a later ablation takes over."""

    def test_the_whole_where_it_says_nothing(self, load) -> None:
        first, second = load(ABLATION)
        assert second.ablation == first.ablation

    def test_mappings_merge_in_the_order_of_the_first(self, load) -> None:
        own = "ablation: {factors: {schedule: [flat, cyclic], perturbation: [sta, mta]}, baseline: {low: 0.2}, exclude: [], compare: {alpha: 0.1}}\n"
        _, second = load(ABLATION + own)
        assert list(second.ablation.factors.items()) == [("perturbation", ["sta", "mta"]), ("steps", [3, 4]), ("schedule", ["flat", "cyclic"])]  # fmt: skip
        assert second.ablation.baseline == {"perturbation": "sta", "low": 0.2}
        assert second.ablation.compare.model_dump(exclude_defaults=True) == {"metric": "test/accuracy", "alpha": 0.1, "equivalence": 0.01}  # fmt: skip

    def test_lists_values_and_choices_replace(self, load) -> None:
        own = "ablation: {design: leave_one_out, factors: [random_start], exclude: [], seeds: [1, 2, 3, 4, 5], race: pocock}\n"
        _, second = load(
            ABLATION.replace("  race", "  design: factorial\n  race").replace("race: true", "race: none") + own
        )
        assert second.ablation.factors == {"random_start": ["on", "off"]}
        assert (second.ablation.design.name, second.ablation.race.name) == ("leave_one_out", "pocock")
        assert (second.ablation.seeds, second.ablation.exclude) == ([1, 2, 3, 4, 5], [])

    def test_null_takes_away_and_so_does_an_empty_list_of_levels(self, load) -> None:
        _, second = load(
            ABLATION
            + "ablation: {factors: {steps: []}, exclude: null, blocks: {lr: null}, race: null, compare: {equivalence: null}}\n"
        )
        assert (second.ablation.factors, second.ablation.blocks) == ({"perturbation": ["sta", "mp"]}, {})
        assert (second.ablation.race.name, second.ablation.compare.equivalence) == ("none", None)

    def test_null_is_a_value_where_settings_are(self, load) -> None:
        _, second = load(ABLATION.replace("low: 0.1", "epochs: 2") + "ablation: {baseline: {epochs: null}}\n")
        assert second.ablation.baseline == {"perturbation": "sta", "epochs": None}

    @pytest.mark.parametrize("more", ["", "ablation: null\n"])
    def test_a_search_takes_over_none_of_it(self, more: str, load) -> None:
        search = "search: {lr: {float: [0.1, 1.0]}}\nobjective: {maximize: validation/accuracy}\nbudget: {trials: 3}\nsampler: random\n"
        _, second = load(ABLATION + search + more)
        assert second.ablation is None
        assert second.fixed == {"dataset": "digits", "tasks": ["odd_even"]}

    def test_nothing_is_taken_over_by_another_trainable_or_where_the_document_says_so(self, load) -> None:
        own = "ablation: {factors: {steps: [1, 2]}}\n"
        for line in ("trainable: other\n", "inherit: false\ntrainable: fake\n"):
            _, second = load(ABLATION + own + line)
            assert (second.fixed, second.ablation.factors, second.ablation.blocks) == ({}, {"steps": [1, 2]}, {})


class TestSearches:
    """What a later search takes over."""

    def test_the_whole_where_it_says_nothing(self, load) -> None:
        first, second = load(SEARCH)
        for section in ("search", "objective", "constraints", "sampler", "early_stopping", "budget"):
            assert getattr(second, section) == getattr(first, section)
        assert second.checkpoints.best is None

    def test_parameters_merge_each_as_a_whole_and_null_takes_one_away(self, load) -> None:
        _, second = load(
            SEARCH
            + "search: {lr: {float: [0.1, 0.2]}, steps: null, low: {float: [0, 1]}}\nconstraints: null\nbudget: {hours: null}\n"
        )
        assert list(second.search) == ["lr", "low"]
        assert not second.search["lr"].log
        assert (second.constraints, second.budget.trials, second.budget.hours) == ([], 8, None)

    @pytest.mark.parametrize("more", ["", "search: null\n"])
    def test_an_ablation_takes_over_none_of_it(self, more: str, load) -> None:
        _, second = load(SEARCH + "ablation: {factors: {steps: [1, 2]}}\n" + more)
        assert (second.search, second.objective, second.budget.trials) == (None, None, None)


class TestFor:
    """A study for each value."""

    def test_each_has_its_name_its_setting_and_its_question(self, load) -> None:
        studies = load(EACH)
        assert [study.study for study in studies] == ["each-mnist", "each-tiny-imagenet"]
        assert [study.fixed["dataset"] for study in studies] == ["mnist", "tiny_imagenet"]
        assert [study.question for study in studies] == ["Does it help on mnist?", "Does it help on tiny_imagenet?"]

    def test_a_mapping_says_what_the_question_calls_them(self, load) -> None:
        _, last = load(EACH.replace("[mnist, tiny_imagenet]", "{mnist: , tiny_imagenet: Tiny ImageNet}"))
        assert (last.question, last.fixed["dataset"]) == ("Does it help on Tiny ImageNet?", "tiny_imagenet")

    def test_several_keys_are_the_product(self, load) -> None:
        studies = load(EACH.replace("]}\nq", "], steps: {2: two, 3: three}, scale: [quick, full]}\nq"))
        assert len(studies) == 8
        assert studies[-1].study == "each-tiny-imagenet-3-full"
        assert (studies[-1].fixed["steps"], studies[-1].scale) == (3, "full")

    @pytest.mark.parametrize(
        "sampler",
        ["sampler: tpe\n", "sampler: {tpe: {startup_trials: 4}}\n", "sampler: {tpe: }\n", "", "sampler: random\n"],
    )
    def test_the_samplers_seed_repeats_a_search(self, sampler: str, load) -> None:
        studies = load(REPETITIONS + sampler)
        assert [study.study for study in studies] == ["repeated-3", "repeated-8"]
        used = [study.sampler.random if "random" in sampler else study.sampler.tpe for study in studies]
        assert [one.seed for one in used] == [3, 8]
        assert all(study.fixed == {} for study in studies)
        if "startup" in sampler:
            assert used[1].startup_trials == 4

    def test_a_samplers_seed_is_given_once_and_to_a_search_alone(self, refuse) -> None:
        [twice] = refuse(REPETITIONS + "sampler: {random: {seed: 1}}\n")
        assert "sampler.random.seed is given, too" in str(twice)
        problems = refuse(
            EACH.replace("dataset: [mnist, tiny_imagenet]", "sampler_seed: [1, 2]").replace("{dataset}", "x")
        )
        assert any("sampler" in problem.where for problem in problems)

    def test_numbers_fractions_and_lists_are_values(self, load) -> None:
        studies = load(
            EACH.replace("dataset: [mnist, tiny_imagenet]", "lr: [8/255, 1e-3], tasks: [[], [a, b]]")
            .replace("on {dataset}", "with {tasks}")
            .replace("fixed: {tasks: [odd_even]}\n", "")
            .replace("[sta, mp]", "[sta, mta]")
            .replace("perturbation: [sta, mta]", "steps: [1, 2]")
        )
        assert [study.study for study in studies] == [
            "each-8-255-arm",
            "each-8-255-a-b",
            "each-0.001-arm",
            "each-0.001-a-b",
        ]
        assert (studies[1].fixed["lr"], studies[1].question) == (8 / 255, "Does it help with [a, b]?")

    def test_later_documents_inherit_what_is_for_all(self, load) -> None:
        later = "---\nstudy: later\nfor: {dataset: [gtsrb]}\nfixed: {tasks: [round]}\n---\nstudy: last\n"
        *_, later, last = load(EACH + later)
        assert (later.study, later.fixed) == ("later-gtsrb", {"dataset": "gtsrb", "tasks": ["round"]})
        assert (last.fixed, last.ablation) == ({"tasks": ["odd_even"]}, later.ablation)

    def test_it_goes_before_what_is_inherited_also_in_evaluate(self, load) -> None:
        later = "---\nstudy: later\nfor: {low: [0.1, 0.2], dataset: [gtsrb, mnist]}\n"
        *_, last = load(
            ABLATION.replace("low: 0.1", "high: 0.9").partition("---")[0] + "evaluate: {low: 0.3}\n" + later
        )
        assert (last.evaluate, last.fixed["dataset"]) == ({"low": 0.2}, "mnist")

    def test_the_best_of_a_search_on_each(self, load) -> None:
        first = SEARCH.partition("---")[0].replace(
            "study: first\n", "study: rate\nfor: {dataset: [mnist, tiny_imagenet]}\n"
        )
        second = "---\nstudy: after\nfor: {dataset: [mnist, tiny_imagenet]}\nablation: {baseline: {best_of: 'rate-{dataset}'}, factors: {schedule: [flat, cyclic]}}\n"
        studies = load(first + second)
        assert [study.study for study in studies] == [
            "rate-mnist",
            "rate-tiny-imagenet",
            "after-mnist",
            "after-tiny-imagenet",
        ]
        assert [study.ablation.best_of for study in studies[2:]] == ["rate-mnist", "rate-tiny-imagenet"]

    def test_published_values_of_each(self, tmp_path: Path, fakes) -> None:
        for name in ("mnist", "tiny_imagenet"):
            (tmp_path / f"table-{name}.csv").write_text("arm,metric,value\nmp,test/accuracy,0.5\n")
        (tmp_path / "study.yaml").write_text(EACH + "published: table-{dataset}.csv\n")
        studies = load_studies(tmp_path / "study.yaml", trainables=fakes)
        assert [study.published.file for study in studies] == ["table-mnist.csv", "table-tiny_imagenet.csv"]
        [chosen] = load_studies(f"{tmp_path / 'study.yaml'}:each-tiny-imagenet", trainables=fakes)
        assert chosen == studies[1]

    def test_overrides_address_one_or_all(self, load) -> None:
        one, other = load(EACH, ["each-mnist:ablation.seeds=7", "fixed.lr=0.5"])
        assert (one.ablation.seeds, other.ablation.seeds) == (7, 3)
        assert one.fixed["lr"] == other.fixed["lr"] == 0.5

    @pytest.mark.parametrize(
        ("old", "new", "line", "where", "words"),
        [
            ("dataset", "datset", 2, "for.datset", "fake has no 'datset'; did you mean dataset?"),
            ("[mnist, tiny_imagenet]", "[mnist, 3]", 2, "for.dataset", "3 is not accepted; expected a text"),
            ("{dataset}", "{datset}", 3, "question", "{datset} is undefined here; there are: {dataset}; did you mean dataset?"),
            ("{dataset: [mnist, tiny_imagenet]}", "mnist", 2, "for", "'mnist' has no hyperparameter with values; write for: {dataset: [mnist, gtsrb]}"),
            ("{dataset: [mnist, tiny_imagenet]}", "", 2, "for", "None has no hyperparameter"),
            ("[mnist, tiny_imagenet]", "mnist", 2, "for.dataset", "'mnist' has no values; write dataset: [A, B]"),
            ("[mnist, tiny_imagenet]", "[]", 2, "for.dataset", "[] has no values"),
            ("[mnist, tiny_imagenet]", "[mnist, a, mnist]", 2, "for.dataset[2]", "mnist is listed twice"),
            ("[mnist, tiny_imagenet]", "{mnist: A, 2020-01-01: B}", 2, "for.dataset", "2020-01-01"),
            ("[mnist, tiny_imagenet]", "[mnist, 2020-01-01]", 2, "for.dataset[1]", "2020-01-01"),
            ("[mnist, tiny_imagenet]", "[a_b, a-b]", 2, "for.dataset[1]", "two of these values make a study of the same name, each-a-b"),
            ("fixed: {", "fixed: {dataset: x, ", 2, "for.dataset", "fixed.dataset is given, too (line 5); keep one of them"),
            ("{dataset: [", "{scale: [quick], dataset: [", 2, "for.scale", "scale is given, too (line 7)"),
            ("tiny_imagenet]", f"{', '.join(f'd{index}' for index in range(100))}]", 2, "for", "these values make 101 studies, more than 100"),
            ("for: {", "fro: {", 2, "fro", "unknown key 'fro'; did you mean for?"),
            ("for: ", "inherit: 1\nfor: ", 2, "inherit", "1 is not accepted; expected true or false"),
        ],
    )  # fmt: skip
    def test_mistakes_have_their_line_once(self, old: str, new: str, line: int, where: str, words: str, refuse) -> None:
        assert old in EACH
        problems = refuse(EACH.replace(old, new) + ("scale: full\n" if "scale" in new else ""))
        assert [(problem.line, problem.where) for problem in problems] == [(line, where)]
        assert words in str(problems[0])

    def test_a_value_in_a_line_of_its_own_is_refused_there(self, refuse) -> None:
        [problem] = refuse(
            EACH.replace("for: {dataset: [mnist, tiny_imagenet]}", "for:\n  lr:\n    - 0.1\n    - 7").replace(
                "{dataset}", "{lr}"
            )
        )
        assert (problem.line, problem.where) == (5, "for.lr")

    def test_names_are_distinct_in_the_whole_file(self, refuse) -> None:
        [problem] = refuse(EACH + "---\nstudy: each-mnist\n")
        assert (problem.line, problem.what) == (8, "the name each-mnist is taken by the study at study.yaml:1")


def as_it_was_read(data: bytes) -> str:
    """A file with everything said in each document that the first product's later documents took over from the first."""
    first, *later = (document.value for document in read_documents(data, "old.yaml")[0])
    texts = [json.dumps(first)]
    for own in later:
        same = own.get("trainable", first["trainable"]) == first["trainable"]
        for section in ("trainable", "recipe", "scale", "fixed", "resources", "evaluate") if same else ("resources",):
            if section in first and section not in own:
                own[section] = first[section]
            elif isinstance(first.get(section), dict):
                own[section] = {**first[section], **own[section]}
        texts.append(json.dumps({**own, "inherit": False}))
    return "\n---\n".join(texts)


def with_the_seeds_of(before: Study, after: Study) -> Study:
    """The later study with the earlier one's seeds, which the later one's begin with: more were added."""
    if before.ablation is None or after.ablation is None:
        return after
    earlier = before.ablation.seed_list
    assert after.ablation.seed_list[: len(earlier)] == earlier
    return after.model_copy(update={"ablation": after.ablation.model_copy(update={"seeds": before.ablation.seeds})})


@pytest.mark.parametrize("name", sorted(str(path.relative_to(REPEATED)) for path in REPEATED.rglob("*.yaml")))
def test_a_packaged_file_that_repeats_nothing_asks_what_it_did(name: str) -> None:
    """What ran from the old file continues, trial by trial."""
    old = parse_studies(as_it_was_read((REPEATED / name).read_bytes()), f"{PACKAGE}/{name}")
    present = {study.study: study for study in load_studies(name)}  # others may have been added
    new = [with_the_seeds_of(before, present[before.study]) for before in old]
    assert new == old
    for before, after in zip(old, new, strict=True):
        assert not refused_differences(before, after)
        keys = [
            [
                replicate.key
                for replicate in replicates_of(
                    study.ablation, make_arms(study.ablation, study.ablation.baseline, study.settings)
                )
            ]
            for study in (before, after)
            if study.ablation is not None
        ]
        assert keys[:1] == keys[1:]


@pytest.mark.parametrize("name", packaged_studies())
def test_resolved_studies_in_one_file_are_the_same_studies(name: str) -> None:
    studies = load_studies(name)
    assert parse_studies(resolved(studies), "resolved.yaml") == studies
    for study in studies:
        assert "\nfor:" not in dump_study(study)
        assert parse_studies(dump_study(study), "stored.yaml") == [study]
