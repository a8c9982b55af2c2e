# ruff: noqa: E501
"""Whatever a file holds, loading it gives studies or problems with a line in it; never another exception."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from saddle.errors import StudyError
from saddle.studyfile.loader import dump_study, parse_studies

FAST = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ODD = """\
~ | 0 | -1 | 1.5 | 1e999 | .nan | "" | '' | off | true | [] | {} | [[]] | {a: {b: c}} | [1, 2] | [0.5, 1.0] | *x | &x 1
!!python/name:os.system | 2024-01-01 | 99999999999999999999 | "\\ud800" | "\\0" | - | : | ? | @ | ` | % | | | > | {? a} | [a: b]
test/accuracy | validation/accuracy | lr | one | sta | {lr: 1} | {float: [1, 0]} | {int: [0, 9]} | {choice: []} | {best_of: one}
{tpe: ~} | cmaes | grid | asha | {when: {lr: 1}} | {choice: [1], when: {steps: [1]}} | validation/accuracy >= 0.5 | é | \\x85 | <<
""".replace("\n", " | ").split(" | ")


@pytest.fixture(scope="session")
def both(search_text: str, ablation_text: str) -> str:
    extra = "constraints: [validation/accuracy >= 0.5]\nresources: {concurrency: 2}\nevaluate: {attacks: [pgd]}\n"
    ablation = ablation_text.replace("{perturbation: sta}", "{best_of: one, perturbation: sta}")
    return f"{search_text}{extra}---\n{ablation}---\n{DESIGNED}---\n{COMPOSED}"


DESIGNED = """\
study: three
trainable: fake
fixed: {dataset: digits}
ablation:
  baseline: {perturbation: mp, tasks: [odd_even]}
  factors: [mixing, random_start, short, slow]
  components: {short: {on: {epochs: 4}, off: {epochs: 1}}}
  design: {fractional: {resolution: 3}}
  exclude: [{mixing: off, short: off, slow: off, random_start: on}]
  blocks: {schedule: [flat, cyclic], high: [0.5, 0.9]}
  order_seed: 3
  seeds: [4, 5, 6, 7]
  race: none
  compare: {correction: bh}
"""
COMPOSED = """\
study: each
for: {dataset: {mnist: MNIST, gtsrb: }, low: [0.1, 1/4]}
question: What about {dataset}?
search: {steps: null, high: {float: [0.5, 1.0]}}
constraints: null
budget: {trials: 20}
---
study: alone
inherit: false
trainable: other
ablation: {factors: {steps: [1, 2]}}
"""


def survives(data: bytes | str, trainables: dict[str, Any], overrides: tuple[str, ...] = ()) -> None:
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    lines = max(1, text.count("\n") + (not text.endswith("\n")))
    studies, problems = [], ()
    try:
        studies = parse_studies(data, "fuzz.yaml", overrides, trainables=trainables)
    except StudyError as error:
        problems = error.problems
    assert studies or problems
    for problem in problems:
        assert str(problem)
        if problem.file == "fuzz.yaml":
            assert problem.line is not None
            assert 1 <= problem.line <= lines, problem
        else:
            assert problem.file.startswith("--set ")
    for study in studies:
        assert parse_studies(dump_study(study), "again.yaml", trainables=trainables) == [study]


def test_the_file_that_is_damaged_below_is_sound(both, load) -> None:
    each = [f"each-{dataset}-{low}" for dataset in ("mnist", "gtsrb") for low in ("0.1", "1-4")]
    assert [study.study for study in load(both)] == ["one", "two", "three", *each, "alone"]


@FAST
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes(data: bytes, fakes) -> None:
    survives(data, fakes)


@FAST
@given(text=st.text(max_size=100) | st.text(st.sampled_from("ab:- \n\t[]{}&*!|>'\"%@#?,~<0.\\"), max_size=60))
def test_arbitrary_text(text: str, fakes) -> None:
    survives(text, fakes)


@settings(FAST, max_examples=300)
@given(data=st.data())
def test_files_with_lines_dropped_doubled_and_moved(data, both, fakes) -> None:
    lines = both.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["drop", "double", "move", "indent"]))
        line = lines.pop(index)
        if kind == "double":
            lines[index:index] = [line, line]
        elif kind == "move":
            lines.insert(data.draw(st.integers(0, len(lines))), line)
        elif kind == "indent":
            lines.insert(index, "  " + line)
        if not lines:
            break
    survives("\n".join(lines), fakes)


@settings(FAST, max_examples=400)
@given(data=st.data())
def test_files_with_odd_values(data, both, fakes) -> None:
    spots = [match.span() for match in re.finditer(r"[\w./]+|\[[^\]]*\]|\{[^{}]*\}", both)]
    text = both
    for start, end in sorted(
        data.draw(st.lists(st.sampled_from(spots), min_size=1, max_size=3, unique=True)), reverse=True
    ):
        text = text[:start] + data.draw(st.sampled_from(ODD)) + text[end:]
    survives(text, fakes)


WORDS = """\
study trainable fixed search objective sampler early_stopping budget resources evaluate ablation constraints lr steps
float int choice log step when tpe seed trials maximize baseline factors seeds compare best_of design
components exclude blocks race order_seed on off mixing fractional resolution factorial leave_one_out for inherit dataset
"""
KEYS = st.sampled_from(WORDS.split())
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(-2, 2)
    | st.sampled_from(["fake", "sta", "one", "validation/accuracy"])
)
NESTED = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)


@settings(FAST, max_examples=300)
@given(document=st.dictionaries(KEYS, NESTED, max_size=8))
def test_arbitrary_structures_of_known_words(document: dict[str, Any], fakes) -> None:
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump({"study": "one", "trainable": "fake", **document}, stream)
    survives(stream.getvalue(), fakes)


@settings(FAST, max_examples=200)
@given(data=st.data())
def test_arbitrary_overrides(data, both, fakes) -> None:
    path = st.lists(KEYS | st.text(max_size=3), min_size=1, max_size=4).map(".".join)
    value = st.sampled_from(ODD) | st.text(max_size=10)
    override = data.draw(
        st.text(max_size=20)
        | st.tuples(st.sampled_from(["", "one:", "two:", "x:"]), path, value).map(
            lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"
        )
    )
    survives(both, fakes, (override,))
