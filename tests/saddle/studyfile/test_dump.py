"""A study written out loads to the same study; two versions of one are distinguished."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saddle.study.changes import RULES, Change, field_paths, rule_of
from saddle.study.models import Study
from saddle.studyfile.loader import differences, dump_study, is_extension, parse_studies, refused_differences

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(lambda text: "\0" not in text)
numbers = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
odd_texts = st.sampled_from(
    ["off", "1e-4", "null", "~", "", "2024-01-01", "<<", "- a", "a: b", "#", "0x1", "true", " x "]
)
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts | odd_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | odd_texts, inner, max_size=3),
    max_leaves=6,
)
positive = st.floats(1e-6, 1e6)


@st.composite
def parameters(draw: Any) -> dict[str, Any]:
    low = draw(st.floats(1e-9, 1e3))
    return draw(
        st.sampled_from(
            [
                {"float": [low, low * draw(st.floats(1.5, 1e3))], "log": draw(st.booleans())},
                {"int": [draw(st.integers(-5, 5)), draw(st.integers(6, 60))], "step": draw(st.sampled_from([1, 1.0]))},
                {
                    "choice": draw(st.lists(plain, min_size=1, max_size=3)),
                    "when": draw(st.dictionaries(texts, plain, max_size=2)),
                },
            ]
        )
    )


@st.composite
def studies(draw: Any) -> Study:
    base = {
        "study": draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)),
        "question": draw(texts | odd_texts),
        "trainable": "anything",
        "fixed": draw(st.dictionaries(texts | odd_texts, plain, max_size=3)),
        "budget": {"trials": draw(st.integers(1, 99)), "hours": draw(positive | st.none())},
    }
    if draw(st.booleans()):
        base["search"] = draw(st.dictionaries(texts, parameters(), min_size=1, max_size=3))
        base["objective"] = [{"maximize": "validation/a"}, {"minimize": "validation/b"}][: draw(st.integers(1, 2))]
        base["constraints"] = [f"validation/a >= {draw(st.floats(-1e9, 1e9))!r}"]
        base["sampler"] = draw(st.sampled_from(["tpe", {"gp": {"seed": 3}}, {"grid": {"points": 7}}, {"qmc": None}]))
        base["early_stopping"] = draw(st.sampled_from(["none", "asha", {"median": {"grace_epochs": 0}}]))
    else:
        base["ablation"] = {
            "baseline": draw(st.dictionaries(texts, plain, max_size=2)),
            "factors": draw(st.dictionaries(texts, st.lists(plain, min_size=1, max_size=3), min_size=1, max_size=2)),
            "seeds": draw(st.integers(1, 9) | st.lists(st.integers(0, 99), min_size=1, max_size=3)),
            "compare": {"alpha": draw(st.floats(0.001, 0.5)), "equivalence": draw(positive | st.none())},
        }
    return Study.model_validate(base)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(studies())
def test_what_is_written_reads_back_the_same(study: Study) -> None:
    from saddle.studyfile.draft import read_sections
    from saddle.studyfile.yaml_reader import read_documents

    [document], problems = read_documents(dump_study(study).encode(), "dump.yaml")
    draft = read_sections(document)
    assert (problems, draft.problems) == ([], [])
    again = draft.study()
    assert again == study
    assert differences(study, again) == []
    assert is_extension(study, again)


def test_a_dump_loads_whole(load, search_text, ablation_text, fakes) -> None:
    for study in load(f"{search_text}---\n{ablation_text}"):
        assert parse_studies(dump_study(study), "dump.yaml", trainables=fakes) == [study]


@pytest.mark.parametrize(
    ("override", "difference", "extends"),
    [
        ("budget.trials=9", "budget.trials: 8 → 9", True),
        ("budget.trials=7", "budget.trials: 8 → 7", False),
        ("budget.hours=2", "budget.hours: not set → 2.0", True),
        ("budget.minutes_per_trial=2", "budget.minutes_per_trial: not set → 2.0", True),
        ("budget.gpu_hours=2", "budget.gpu_hours: not set → 2.0", True),
        ("question=Why?", "question: 'Which rate is best?' → 'Why?'", True),
        ("fixed.dataset=mnist", "fixed.dataset: 'digits' → 'mnist'", False),
        ("fixed.epochs=null", "fixed.epochs: not set → None", False),
        ("search.lr.log=false", "search.lr.log: True → False", False),
        ("sampler.random.seed=0", "sampler.tpe.seed: 0 → not set", False),
        ("resources.concurrency=1", "resources.concurrency: not set → 1", True),
        ("resources.cpus_per_worker=4", "resources.cpus_per_worker: 1.0 → 4.0", True),
        ("resources.gpus_per_worker=1", "resources.gpus_per_worker: 0.0 → 1.0", True),
        ("resources.workers=2", "resources.workers: 1 → 2", False),
        ("early_stopping=none", "early_stopping.asha.grace_epochs: 1 → not set", False),
    ],
)
def test_differences_of_a_search(override, difference, extends, load, search_text) -> None:
    [old], [new] = load(search_text), load(search_text, [override])
    assert difference in differences(old, new)
    assert is_extension(old, new) is extends


@pytest.mark.parametrize(
    ("override", "difference", "extends"),
    [
        ("ablation.seeds=5", "ablation.seeds: 3 → 5", True),
        ("ablation.seeds=[0,1,2,7]", "ablation.seeds: 3 → [0, 1, 2, 7]", True),
        ("ablation.seeds=[0,1,2]", "ablation.seeds: 3 → [0, 1, 2]", True),
        ("ablation.seeds={start: 3, at_most: 8}", "ablation.seeds: 3 → {'start': 3, 'at_most': 8}", True),
        ("ablation.seeds=[2,0,1,7]", "ablation.seeds: 3 → [2, 0, 1, 7]", False),
        ("ablation.seeds=2", "ablation.seeds: 3 → 2", False),
        ("ablation.seeds=[1,2,3,4]", "ablation.seeds: 3 → [1, 2, 3, 4]", False),
        ("ablation.compare.alpha=0.1", "ablation.compare.alpha: 0.05 → 0.1", False),
        (
            "ablation.factors.perturbation=[sta, mp]",
            "ablation.factors.perturbation: ['sta', 'mta', 'mp'] → ['sta', 'mp']",
            False,
        ),
    ],
)
def test_differences_of_an_ablation(override, difference, extends, load, ablation_text) -> None:
    [old], [new] = load(ablation_text), load(ablation_text, [override])
    assert differences(old, new) == [difference]
    assert is_extension(old, new) is extends


@pytest.mark.parametrize(
    ("seeds", "right"), [("[2,0,1,7]", "[0, 1, 2, 7]"), ("2", "[0, 1, 2]"), ("[5,0,1]", "[0, 1, 2, 5]")]
)
def test_seeds_that_do_not_begin_with_the_old_ones_are_refused_with_what_to_write(
    seeds, right, load, ablation_text
) -> None:
    [old], [new] = load(ablation_text), load(ablation_text, [f"ablation.seeds={seeds}"])
    [refused] = refused_differences(old, new)
    assert f"[0, 1, 2] → {new.ablation.seed_list}" in refused
    assert f"write seeds: {right}" in refused


@pytest.mark.parametrize("limit", ["hours", "gpu_hours", "minutes_per_trial"])
def test_a_limit_may_be_set_and_taken_away_later(limit, load, search_text) -> None:
    [old], [new] = load(search_text, [f"budget.{limit}=1"]), load(search_text)
    assert is_extension(old, new)
    assert is_extension(new, old)


def test_only_what_is_refused_is_named(load, search_text) -> None:
    [old], [new] = load(search_text), load(search_text, ["budget.hours=2", "fixed.dataset=mnist"])
    assert refused_differences(old, new) == ["fixed.dataset: 'digits' → 'mnist'"]


def test_for_every_field_it_is_decided_whether_it_may_change() -> None:
    fields = field_paths()
    assert "budget.minutes_per_trial" in fields
    for path in fields:
        assert rule_of(path) in Change, path
    unknown = [name for name in RULES if not any(path == name or path.startswith(f"{name}.") for path in fields)]
    optional = ("ablation.", "relation.")
    assert all(name.startswith(optional) for name in unknown), "they are optional: their fields are not listed"
    assert {"ablation.seeds", "relation.seeds", "relation.units"} <= {*unknown}


def test_true_is_not_one(load, ablation_text) -> None:
    text = ablation_text.replace("{perturbation: [sta, mta, mp]}", "{perturbation: [sta, mp]}")
    [old] = load(text)
    one = old.model_copy(update={"fixed": {**old.fixed, "x": 1}})
    true = old.model_copy(update={"fixed": {**old.fixed, "x": True}})
    assert differences(one, true) == ["fixed.x: 1 → True"]


def test_a_search_never_extends_an_ablation(load, search_text, ablation_text) -> None:
    [search], [ablation] = load(search_text), load(ablation_text)
    assert not is_extension(search, ablation)
    assert not is_extension(ablation, search)
