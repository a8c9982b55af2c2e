"""A study's table in LaTeX: the numbers of its report, and nothing that LaTeX would take for markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from saddle.archive.studies import read_study, settle_study
from saddle.cli.app import app
from saddle.design import Replicate
from saddle.report.blocks import Table
from saddle.report.latex import SPECIAL, latex_table, latex_text
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from tests.support.stored import store_ablation

ABLATION = """
study: a_b
question: Does x matter?
trainable: parabola
ablation:
  baseline: {mode: plain}
  factors: {mode: [plain, curved, "50%_{#}&$^~"]}
  seeds: 4
  compare: {metric: test/score}
"""
MATH = re.compile(r"(?<!\\)\$[^$]*\$")
MARKUP = re.compile(r"(?<!\\)[&%#_$^<>|]")
"""Signs that LaTeX takes for markup, or prints as others, outside of formulas."""


def measure(one: Replicate) -> dict[str, float]:
    return {"test/score": 0.5 + 0.1 * (one.arm.settings["mode"] != "plain") + 0.01 * one.seed**2}


def rows_of(latex: str) -> list[list[str]]:
    lines = [line.removesuffix(r" \\") for line in latex.splitlines() if line.endswith(r" \\")]
    return [re.split(r" (?<!\\)& ", line) for line in lines]


@pytest.mark.parametrize("sign", SPECIAL)
def test_a_sign_with_a_meaning_of_its_own_is_escaped(sign: str) -> None:
    written = latex_text(f"a{sign}b")
    assert written == f"a{SPECIAL[sign]}b" != f"a{sign}b"
    assert not MARKUP.search(MATH.sub("", written))


@given(st.text(st.sampled_from([*SPECIAL, "a", "1", " "]), max_size=30))
def test_braces_and_dollars_are_balanced_whatever_a_name_holds(text: str) -> None:
    written = latex_text(text)
    bare = re.sub(r"\\[{}$&#%_]", "", written)
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0


def test_columns_of_numbers_stand_to_the_right_below_the_heads_of_booktabs() -> None:
    table = Table(("arm", "score", "verdict"), (("[a", "1.5", "helps"), ("b", "−2", "hurts")), "What\nit is.")
    assert latex_table(table, "s").splitlines() == [
        r"% s; needs \usepackage{booktabs}",
        "% What it is.",
        r"\begin{tabular}{lrl}",
        r"\toprule",
        r"arm & score & verdict \\",
        r"\midrule",
        r"{}[a & 1.5 & helps \\",
        r"b & $-$2 & hurts \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_the_command_prints_what_the_report_says(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "kept")
    store_ablation(store, ABLATION, measure)
    printed = CliRunner().invoke(app, ["results", "a_b", "--latex", "--storage", store.url])
    assert printed.exit_code == 0, printed.output
    stored = read_study(store, "a_b")
    assert stored is not None
    answer = stored.read_results(store).answer
    expected = [[latex_text(cell) for cell in row] for row in (answer.columns, *answer.rows)]
    assert rows_of(printed.output) == expected
    assert len(expected) == 4
    assert r"50\%\_\{\#\}\&\$\textasciicircum{}\textasciitilde{}" in printed.output


def test_a_study_without_a_comparison_is_refused(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "kept")
    text = "study: s\nquestion: Where?\ntrainable: parabola\nsearch: {x: {float: [0, 1]}}\n"
    rest = "objective: {maximize: validation/score}\nbudget: {trials: 20}\n"
    [study] = parse_studies(text + rest, "s.yaml", stored=True)
    settle_study(store, study, None, fresh=False)
    printed = CliRunner().invoke(app, ["results", "s", "--latex", "--storage", store.url])
    assert (printed.exit_code, "s has no table yet" in printed.output) == (2, True)
