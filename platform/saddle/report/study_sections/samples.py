"""What a report says about single test images: which of them only one of two networks gets right."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from saddle.analyse.evaluation.predictions import SampleTest
from saddle.analyse.evaluation.sample_pairs import OnSamples, StudyOnSamples
from saddle.analyse.text.formatting import listed, plural, setting
from saddle.design.blocks import shown_block
from saddle.report.blocks import Block, Table, Text
from saddle.report.section import Section, present
from saddle.report.study_report import StudyReport
from trainables.contract import CLEAN, WORST_CASE

MOST_PAIRS = 1000
"""Pairs of networks whose predictions are read for a report; more would take too long."""

MOST_NAMED = 3

RIGHT = {WORST_CASE: "clean and under every attack", CLEAN: "clean"}


@dataclass(frozen=True)
class Samples:
    """What the comparison answers and what not, and the table; without one, why there is none."""

    lead: str
    table: Table | None = None


def samples_section(study: str, on_samples: StudyOnSamples | None) -> Samples | None:
    """The section of a study; None if there are no two networks to compare."""
    if on_samples is None:
        return None
    command = f"saddle results {study} --samples"
    if on_samples.too_many:
        return Samples(
            f"Not shown: {on_samples.too_many:,} pairs of networks have predictions of single test images, more than a"
            f" report reads. {command} reads them."
        )
    if not on_samples.tests:
        return Samples(f"The networks are not compared image by image: {_left_out(on_samples.arms)}.")
    return Samples(_lead(on_samples), Table(_columns(on_samples), _rows(on_samples), _note(on_samples, command)))


def _lead(on_samples: StudyOnSamples) -> str:
    right = RIGHT.get(on_samples.under, f"under {on_samples.under}")
    images = sorted({test.n for test in on_samples.tests})
    count = " to ".join(f"{n:,}" for n in dict.fromkeys((images[0], images[-1])))
    return (
        f"How many of {count} test images only one of two networks gets right ({right}). This answers whether these"
        " trained networks differ on images like these. It does not say whether the method helps: another seed trains"
        " another network, so that is for the verdict over seeds above."
    )


def _columns(on_samples: StudyOnSamples) -> tuple[str, ...]:
    level = setting(on_samples.alpha)
    return (
        "arm",
        "right only in the arm",
        "right only in the baseline",
        f"arm better, p ≤ {level}",
        f"baseline better, p ≤ {level}",
    )


def _rows(on_samples: StudyOnSamples) -> tuple[tuple[str, ...], ...]:
    """A row for each arm, and for each block if there are any."""
    groups: dict[str, list[tuple[SampleTest, float]]] = {}
    for test, p in zip(on_samples.tests, on_samples.adjusted, strict=True):
        name = f"{test.arm} in {shown_block(test.block)}" if test.block else test.arm
        groups.setdefault(name, []).append((test, p))
    rows = []
    for name, members in groups.items():
        better = [test.only_arm > test.only_baseline for test, p in members if p <= on_samples.alpha]
        rows.append(
            (
                name,
                _counts([test.only_arm for test, _ in members]),
                _counts([test.only_baseline for test, _ in members]),
                f"{sum(better)} of {len(members)}",
                f"{len(better) - sum(better)} of {len(members)}",
            )
        )
    return tuple(rows)


def _counts(counts: Sequence[int]) -> str:
    """`39.5 (31 to 47)`: mean, least and most."""
    if len(set(counts)) == 1:
        return f"{counts[0]:,}"
    return f"{statistics.fmean(counts):,.1f} ({min(counts):,} to {max(counts):,})"


def _note(on_samples: StudyOnSamples, command: str) -> str:
    note = (
        "Each network is compared with the baseline’s of the same seed; counts of images are means over these pairs"
        f" (least to most). How many pairs show that one is better is by {_test(on_samples)}, Holm-adjusted over all"
        f" {len(on_samples.tests)} pairs here. {command} --csv lists each pair."
    )
    left_out = _left_out(on_samples.arms)
    return f"{note} Left out: {left_out}." if left_out else note


def _test(on_samples: StudyOnSamples) -> str:
    counts = sorted({test.groups for test in on_samples.tests if test.groups is not None})
    if not counts:
        return "McNemar’s exact test"
    groups = " to ".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1])))
    return (
        f"McNemar’s test by group (by track, where images are frames of one): the images are of {groups} groups that"
        " each show the same thing, and a whole group counts for or against a network (exact sign flips)"
    )


def _left_out(arms: Iterable[OnSamples]) -> str:
    """`3 pairs with predictions not stored (mta and mp)`."""
    counts: Counter[str] = Counter()
    names: dict[str, dict[str, None]] = {}
    for arm in arms:
        for reason in arm.left_out:
            counts[reason] += 1
            names.setdefault(reason, {})[arm.arm] = None
    return "; ".join(
        f"{plural(count, 'pair')} of networks, {reason} ({_named([*names[reason]])})"
        for reason, count in counts.most_common()
    )


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return listed(names) if more <= 1 else listed([*names[:MOST_NAMED], f"{more} more arms"])


def sample_rows(study: str, on_samples: StudyOnSamples | None) -> list[dict[str, Any]]:
    """A row for each pair of networks, for JSON and CSV; `p_adjusted` is Holm's over all of them."""
    if on_samples is None:
        return []
    return [
        {"study": study, **asdict(test), "difference": test.difference, "p_adjusted": p}
        for test, p in zip(on_samples.tests, on_samples.adjusted, strict=True)
    ]


def blocks(report: StudyReport) -> list[Block]:
    section = samples_section(report.run.name, report.samples)
    if section is None:
        return []
    return present(Text([section.lead], "" if section.table else "empty"), section.table)


SAMPLES = Section("samples", "Sample by sample", 50, blocks)
