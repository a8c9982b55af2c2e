"""The JSON Schema accepts what loads, short forms included, and refuses what can't."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from saddle.studyfile.packaged import packaged_studies
from saddle.studyfile.schema import study_schema
from saddle.studyfile.yaml_reader import read_documents


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = study_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(json.loads(json.dumps(schema)))


def values(text: str | bytes) -> list[object]:
    documents, _ = read_documents(text if isinstance(text, bytes) else text.encode(), "f")
    return [document.value for document in documents]


@pytest.mark.parametrize("name", packaged_studies())
def test_packaged_studies_match(name: str, validator) -> None:
    for value in values(packaged_studies()[name].read_bytes()):
        validator.validate(value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{tpe: {startup_trials: 4}}", "random"),
        ("early_stopping: asha", "early_stopping: {median: {grace_epochs: 0}}"),
        ("{maximize: validation/accuracy}", "[{maximize: validation/accuracy}, {minimize: validation/loss}]"),
        ("budget:", "constraints: [validation/accuracy >= 0.5]\nbudget:"),
        ("int: [1, 8]", "choice: [1, two, null]"),
    ],
)
def test_short_and_long_forms_match(old: str, new: str, validator, search_text, ablation_text) -> None:
    for text in (search_text, search_text.replace(old, new), ablation_text):
        [value] = values(text)
        validator.validate(value)
    [value] = values(ablation_text.replace("{perturbation: sta}", "{best_of: one, perturbation: sta}"))
    validator.validate(value)


@pytest.mark.parametrize(
    "line",
    [
        "design: factorial",
        "design: {fractional: {resolution: 5}}",
        "race: true",
        "race: pocock",
        "race: {obrien_fleming: {}}",
        "factors: [mixing, random_start]",
        "factors: {mixing: , steps: [1, 2]}",
        "exclude: [{steps: 2, schedule: [flat, cyclic]}]",
        "blocks: {dataset: [mnist, digits]}",
        "components: {short: {off: {steps: 1}}}",
    ],
)
def test_short_and_long_forms_of_an_ablation_match(line: str, validator, ablation_text) -> None:
    key = line.partition(":")[0]
    [value] = values(
        "".join(row for row in ablation_text.splitlines(True) if not row.startswith(f"  {key}:")) + f"  {line}\n"
    )
    validator.validate(value)


@pytest.mark.parametrize(
    "line",
    [
        "design: factoral",
        "design: {fractional: {resolution: 2}}",
        "race: 1",
        "factors: []",
        "factors: [3]",
        "factors: {steps: 3}",
        "exclude: [{}]",
        "blocks: {dataset: [mnist]}",
        "components: {short: {on: {steps: 1}}}",
    ],
)
def test_wrong_parts_of_an_ablation_do_not_match(line: str, validator, ablation_text) -> None:
    key = line.partition(":")[0]
    [value] = values(
        "".join(row for row in ablation_text.splitlines(True) if not row.startswith(f"  {key}:")) + f"  {line}\n"
    )
    assert not validator.is_valid(value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("study: one", "study: a/b"),
        ("study: one\n", ""),
        ("budget:", "bugdet:"),
        ("{tpe: {startup_trials: 4}}", "tppe"),
        ("{tpe: {startup_trials: 4}}", "{tpe: {}, gp: {}}"),
        ("startup_trials: 4", "startup_trials: 0"),
        ("trials: 8", "trials: many"),
        ("int: [1, 8]", "int: [1, 8], float: [1, 8]"),
        ("int: [1, 8]", "int: [1]"),
        ("maximize: validation/accuracy", "maximise: validation/accuracy"),
        ("budget:", "constraints: [validation/accuracy > 0.5]\nbudget:"),
        ("budget:", "ablation: {factors: {steps: [1, 2]}}\nbudget:"),
    ],
)
def test_wrong_documents_do_not_match(old: str, new: str, validator, search_text) -> None:
    assert old in search_text
    [value] = values(search_text.replace(old, new))
    assert not validator.is_valid(value)


@pytest.mark.parametrize(
    "text",
    [
        "study: later\n",
        "study: later\nsearch: {lr: {float: [0.1, 1.0]}, steps: null}\nablation: null\nconstraints: null\n",
        "study: later\nablation: {race: null, blocks: {dataset: null}, factors: {steps: []}}\nsearch: null\n",
        "study: later\ninherit: false\n",
        "study: each\nfor: {dataset: [mnist, gtsrb], scale: {quick: small, full: }}\n",
    ],
)
def test_what_a_file_composes_matches(text: str, validator) -> None:
    [value] = values(text)
    validator.validate(value)


@pytest.mark.parametrize(
    "line",
    ["for: [mnist]", "for: {}", "for: {dataset: mnist}", "for: {dataset: []}", "for: {lr: {0.1: [a]}}", "inherit: no"],
)
def test_wrong_compositions_do_not_match(line: str, validator) -> None:
    [value] = values(f"study: each\n{line}\n")
    assert not validator.is_valid(value)


def test_every_key_of_a_study_is_described() -> None:
    assert all("description" in about for about in study_schema()["properties"].values())
