"""Published values compared with ours."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.analyse.published import ComparedValue, Condition, compare_published
from saddle.analyse.study_results import StudyResults
from saddle.analyse.text.formatting import DASH, Scale, label, listed, setting
from saddle.design.blocks import shown_block
from saddle.errors import TrainableError
from saddle.report.blocks import Block, Table
from saddle.report.section import Section, present
from saddle.report.study_report import StudyReport
from saddle.study.published import PublishedValue
from saddle.study.trainable.declarations import Declarations
from saddle.study.trainable.loading import load_trainable
from trainables.contract import Config

MOST_CONDITIONS = 12


def published_table(results: StudyResults) -> Table | None:
    """Theirs, ours and the difference, with the conditions that differ; None if the study names no such values."""
    table, declared = results.study.published, results.declared
    if table is None:
        return None
    comparison = compare_published(table.values, results.arms, results.comparable, config_of(declared))
    # conditions that hold for every row are given once, below
    first = comparison.rows[0].differing if comparison.rows else ()
    common = [condition for condition in first if all(condition in row.differing for row in comparison.rows)]
    special = [_words([condition for condition in row.differing if condition not in common]) for row in comparison.rows]
    columns = ["arm", "metric", "published", "ours", "difference", *["other conditions"] * any(special), "source"]
    rows = [
        (
            _arm(row),
            label(row.published.metric),
            _theirs(row.published, _scale(row, declared)),
            _ours(row, _scale(row, declared)),
            DASH if row.difference is None else _scale(row, declared).difference(row.difference),
            *([words or DASH] if any(special) else []),
            row.published.source or DASH,
        )
        for row, words in zip(comparison.rows, special, strict=True)
    ]
    notes = [f"Published values are from {table.file}; ours are means ± standard deviation over seeds."]
    if common:
        notes.append(f"Conditions that differ from ours, which alone may explain a difference: {_words(common)}.")
    elif comparison.rows and not any(row.differing for row in comparison.rows):
        notes.append("All conditions stated in the file hold for ours, too.")
    if comparison.unknown_arms:
        notes.append(f"Not shown, because this study has no such arm: {listed(comparison.unknown_arms)}.")
    if comparison.not_measured:
        notes.append(f"Not shown, because no trial measures it: {listed(comparison.not_measured)}.")
    return Table(tuple(columns), tuple(rows), " ".join([*notes, *table.notes]))


def config_of(declared: Declarations) -> type[Config] | None:
    """The model of a configuration where the trainable is installed: only it knows which ways of writing are equal."""
    try:
        return load_trainable(declared.name).Config
    except TrainableError:
        return None


def _arm(row: ComparedValue) -> str:
    """`mp`, or `mp in tasks=[odd_even]` where the value is of one block."""
    return f"{row.arm} in {shown_block(row.block)}" if row.block else row.arm


def _scale(row: ComparedValue, declared: Declarations) -> Scale:
    return Scale.of(declared.metric(row.published.metric))


def _theirs(value: PublishedValue, scale: Scale) -> str:
    spread = "" if value.sd is None else f" ± {scale.bare(value.sd)}"
    return scale.value(value.value) + spread + ("" if value.n is None else f" (n = {value.n})")


def _ours(row: ComparedValue, scale: Scale) -> str:
    spread = "" if row.sd is None else f" ± {scale.bare(row.sd)}"
    return DASH if row.mean is None else f"{scale.value(row.mean)}{spread} (n = {row.n})"


def _words(conditions: Sequence[Condition]) -> str:
    """`epochs 200 (ours 10); checkpoint best on test (no setting here)`."""
    words = []
    for condition in conditions[:MOST_CONDITIONS]:
        more = " and more" if len(condition.ours) > 3 else ""
        ours = f"ours {' and '.join(map(setting, condition.ours[:3]))}{more}" if condition.ours else "no setting here"
        words.append(f"{condition.name} {setting(condition.published)} ({ours})")
    if len(conditions) > MOST_CONDITIONS:
        words.append(f"{len(conditions) - MOST_CONDITIONS} more")
    return "; ".join(words)


def blocks(report: StudyReport) -> list[Block]:
    return present(published_table(report.results))


PUBLISHED = Section("published", "Compared with published values", 90, blocks)
