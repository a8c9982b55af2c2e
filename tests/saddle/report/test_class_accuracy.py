"""Robust accuracy by class, and what is predicted of the images that are shown, from stored predictions."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from saddle.report.blocks import Word
from saddle.report.study_report import StudyReport
from saddle.report.study_sections.class_accuracy import MOST_CLASSES, accuracy_by_class, blocks, class_table
from saddle.report.study_sections.gallery import words_of
from saddle.report.study_sections.names import names_of
from trainables.adversarial_training.config import Config


def with_arrays(made: Any, index: int, arrays: Mapping[str, np.ndarray]) -> None:
    paths = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        paths[name] = f"{made.entries[index].key}/{name}"
        made.blobs[paths[name]] = buffer.getvalue()
    made.change(index, arrays=paths)


LABELS = np.array([0, 0, 1, 1, 1, 1])


def test_shares_of_each_class_are_means_over_trials(ablation: Callable[..., Any]) -> None:
    made = ablation(2)
    with_arrays(made, 0, {"labels": LABELS, "predictions.worst_case": np.array([0, 1, 1, 1, 1, 0])})
    with_arrays(made, 1, {"labels": LABELS, "predictions.worst_case": LABELS})
    assert accuracy_by_class(made.entries[:2], made.read) == {0: 0.75, 1: 0.875}
    assert accuracy_by_class(made.entries[2:], made.read) == {}, "of trials without predictions nothing is said"
    report = StudyReport(made.results, read=made.read)
    [folded] = blocks(report)
    [table] = folded.blocks  # type: ignore[union-attr]
    assert table.columns[0] == "class"  # type: ignore[union-attr]
    assert blocks(StudyReport(made.results)) == [], "without a store nothing is read"


def test_many_arms_have_a_row_each_and_of_many_classes_the_hardest_are_shown() -> None:
    by_arm = {f"arm{n}": {label: label / 100 for label in range(30)} for n in range(8)}
    table = class_table(by_arm)
    assert table is not None
    assert len(table.rows) == 8
    assert table.columns == ("arm", *(f"class {label}" for label in range(MOST_CLASSES)))
    assert "20 of 30 classes" in table.note
    few = class_table({"a": {0: 0.5}, "b": {1: 0.25}, "c": {}})
    assert few is not None
    assert few.rows == (("0", "50.0", "–"), ("1", "–", "25.0"))
    assert class_table({"a": {}}) is None


def test_the_images_that_are_shown_have_label_and_prediction(ablation: Callable[..., Any]) -> None:
    made = ablation(2)
    predicted = {"labels": LABELS, "predictions.clean": LABELS, "predictions.worst_case": 1 - LABELS}
    with_arrays(made, 0, {**predicted, "shown": np.array([0, 2])})
    assert words_of(made.entries[0], made.read) == [Word("0 → 1", good=False), Word("1 → 0", good=False)]
    with_arrays(made, 1, predicted)
    assert words_of(made.entries[1], made.read) == [], "which samples they are isn't known"
    with_arrays(made, 1, {**predicted, "shown": np.array([6])})
    assert words_of(made.entries[1], made.read) == [], "a place that no sample has"


def test_names_are_explained_by_who_declares_them(ablation: Callable[..., Any]) -> None:
    made = ablation(2)
    assert [fact.name for fact in names_of(made.results)] == ["test robust accuracy (worst case)"]
    made.declared = replace(made.declared, schema=Config.model_json_schema())
    names = {fact.name: fact.values[0] for fact in names_of(made.results)}
    assert names["mp"].startswith("mixed perturbation: ")
    assert list(names)[1:] == ["sta", "mta", "mp"]
