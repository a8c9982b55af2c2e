"""The pictures that a trial of every arm has, arm by arm: the effect of a dose is seen from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from saddle.report.blocks import Pictures
from saddle.report.cited_trials import illustrated
from saddle.report.section import Section, left_out
from saddle.report.study_report import StudyReport
from saddle.report.study_sections.gallery import gallery

FEWEST_ARMS = 2


def page(report: StudyReport) -> Sequence[Pictures]:
    """A row for each picture that all arms have, of a study that ranks its arms; the arms in the study's order."""
    results = report.results
    if not results.answer.ranked:
        return []
    order = {name: place for place, name in enumerate(results.named_arms)}
    trials = sorted(illustrated(results), key=lambda record: order.get(results.name_of_arm(record) or "", len(order)))
    rows = {row.entry.key: row for row in gallery(trials, report.read, results.arm_names)}
    shown = [rows[record.key] for record in trials if record.key in rows]
    if len(shown) < FEWEST_ARMS:
        return []
    common = [name for name in shown[0].entry.closing_images if all(name in row.entry.closing_images for row in shown)]
    return [
        Pictures(
            [
                replace(picture, caption=results.name_of_arm(row.entry) or row.name)
                for row in shown
                for picture in row.pictures
                if picture.caption == f"{row.name}: {name}"
            ],
            name,
        )
        for name in common
    ]


ARM_GALLERY = Section("arm-gallery", "Pictures, arm by arm", 135, page, left_out)
