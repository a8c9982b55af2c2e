"""What a metric means is what its trainable declares: the platform spells no metric of any method."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from saddle.study.trainable.loading import load_trainable
from tests.support.pages import ROOT, Piece, pieces, runs
from trainables.contract import complete_metric

PACKAGED = ("adversarial_training", "counterfactual_gan", "segmentation")
WORDS = frozenset(("fid", "iou", "f1", "auroc"))
"""Measures of a single word that are not words of English; of the others one can't tell what is meant."""


def measures() -> set[str]:
    """What the packaged trainables measure, without split and detail: `robust_accuracy`."""
    names = {name.partition("/")[2].partition(".")[0] for one in PACKAGED for name in load_trainable(one).metrics}
    return {name for name in names if "_" in name or name in WORDS}


def spelled(code: str, names: set[str]) -> Iterator[tuple[int, str]]:
    """The lines of a module in whose texts one of the names stands, with the text; docstrings are for people."""
    tree = ast.parse(code)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    word = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, names)))})\b")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in docstrings:
            continue
        if word.search(node.value):
            yield node.lineno, node.value


def test_the_platform_spells_no_metric() -> None:
    names = measures()
    assert {"robust_accuracy", "clean_accuracy", "perturbation_size", "fid", "calibration_error"} <= names
    places = {
        f"{path.relative_to(ROOT)}:{line}": text
        for path in sorted((ROOT / "platform/saddle").rglob("*.py"))
        for line, text in spelled(path.read_text(), names)
    }
    assert not places, "ask the declaration (`Metric.role`, `Metric.clean`, `Metric.attack`) instead"


@pytest.mark.parametrize(
    "line",
    [
        'metrics["test/robust_accuracy.worst_case"]',
        'f"{split}/clean_accuracy"',
        'name.startswith("fid.")',
        'RE = re.compile(r"(test|validation)/calibration_error")',
    ],
)
def test_a_spelled_metric_is_seen(line: str) -> None:
    code = f'"""A docstring may speak of clean_accuracy."""\n{line}\nrobust_accuracy = 1\n'
    assert [number for number, _ in spelled(code, measures())] == [2]


[DECLARATION] = [piece for piece in pieces("python", under="Your own training method") if "Metric(" in piece.text]


@runs(DECLARATION)
def test_the_readmes_metrics_mean_what_it_says(page_pieces: list[Piece]) -> None:
    names: dict[str, dict[str, object]] = {}
    exec(page_pieces[0].text, names)
    clean, fog, time = (complete_metric(name, declared) for name, declared in names["METRICS"].items())  # type: ignore[arg-type]
    assert (clean.role, clean.unit) == ("clean", "fraction"), "follows from the name"
    assert (fog.role, fog.attack, fog.clean, fog.bounds) == ("robust", "fog", clean.name, (0.0, 1.0))
    assert (time.unit, time.label, time.split) == ("ms", "time per image", "test")
    alone = complete_metric(fog.name, "maximize")
    assert alone.role == "", "what the declaration adds"
