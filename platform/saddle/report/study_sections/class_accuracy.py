"""Robust accuracy by class: a mean may hide a class that hardly ever survives an attack."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from saddle.analyse.evaluation.predictions import Read, read_predictions, stores_predictions
from saddle.analyse.text.formatting import DASH
from saddle.errors import Damaged, ForeignPath, NoPredictions
from saddle.report.blocks import Block, Folded, Table
from saddle.report.drawing.arm_order import groups_in_order
from saddle.report.section import Section
from saddle.report.study_report import StudyReport
from saddle.report.study_sections.evaluation import groups_of
from saddle.trial.record import TrialRecord

MOST_READ = 200
"""Trials whose predictions are read; more would take too long."""
MOST_ABREAST = 7
"""Arms that a table has room for side by side."""
MOST_CLASSES = 20
"""Classes that are listed; with more, those with the lowest accuracies in the first arm."""
TITLE = "Robust accuracy by class"
NOTE = (
    "Shares of each class’s test images that are classified rightly when clean and under every attack, in %, means over"
    " trials. These are not tested: with so many classes some differ by chance."
)


def accuracy_by_class(entries: Sequence[TrialRecord], read: Read) -> dict[int, float]:
    """The share of right samples of each class in the worst case, a mean over the trials that have predictions."""
    by_class: dict[int, list[float]] = {}
    for entry in entries:
        if not stores_predictions(entry):
            continue
        try:
            predictions = read_predictions(entry, read)
            labels, right = predictions.labels, predictions.right()
        except (OSError, Damaged, ForeignPath, NoPredictions, ValueError):
            continue
        for label, share in _shares(labels, right).items():
            by_class.setdefault(label, []).append(share)
    return {label: fmean(shares) for label, shares in sorted(by_class.items())}


def _shares(labels: NDArray[np.int64], right: NDArray[np.bool_]) -> dict[int, float]:
    return {int(label): float(right[labels == label].mean()) for label in np.unique(labels)}


def class_table(by_arm: Mapping[str, Mapping[int, float]]) -> Table | None:
    """A row for each class with the arms side by side, or a row for each of many arms; None without predictions."""
    measured = {arm: shares for arm, shares in by_arm.items() if shares}
    if not measured:
        return None
    first = next(iter(measured.values()))
    classes = sorted({label for shares in measured.values() for label in shares})
    note = NOTE
    if len(classes) > MOST_CLASSES:
        note += f" The {MOST_CLASSES} of {len(classes)} classes with the lowest in {next(iter(measured))}."
        classes = sorted(sorted(classes, key=lambda label: first.get(label, math.inf))[:MOST_CLASSES])
    cells = {arm: [_percent(shares.get(label)) for label in classes] for arm, shares in measured.items()}
    if len(measured) <= MOST_ABREAST:
        rows = tuple((str(label), *(column[at] for column in cells.values())) for at, label in enumerate(classes))
        return Table(("class", *measured), rows, note)
    return Table(
        ("arm", *(f"class {label}" for label in classes)), tuple((arm, *row) for arm, row in cells.items()), note
    )


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.1f}"


def blocks(report: StudyReport) -> list[Block]:
    if report.read is None or report.results.metric.role != "robust":
        return []
    groups = groups_in_order(report.results) if report.results.arms else groups_of(report.results)
    if sum(len(entries) for entries in groups.values()) > MOST_READ:
        return []
    table = class_table({name: accuracy_by_class(entries, report.read) for name, entries in groups.items()})
    return [] if table is None else [Folded(TITLE, [table], id="by-class")]


CLASSES = Section("by-class", TITLE, 55, blocks, lambda report: _unfolded(blocks(report)), within="results")


def _unfolded(shown: Sequence[Block]) -> list[Block]:
    return [inner for block in shown if isinstance(block, Folded) for inner in block.blocks]
