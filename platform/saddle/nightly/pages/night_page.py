"""The page of one night."""

from __future__ import annotations

from collections.abc import Iterator

from saddle.nightly.decision.decision import Difference
from saddle.nightly.pages.night_facts import NightFacts
from saddle.nightly.text import changed_since
from saddle.report.blocks import Block, Fact, Facts, Listing, Source, Table, Text
from saddle.report.page import render_page
from saddle.report.section import Part

MOST_DIFFERENCES = 40


def night_page(study: str, night: NightFacts, diff: str = "") -> str:
    """The page's HTML; `diff` are the changes that were not committed."""
    return render_page(
        "night.html",
        title=f"{study}, {night.date}",
        study=study,
        night=night,
        parts=[part for part in parts_of(night, diff) if part.blocks],
    )


def parts_of(night: NightFacts, diff: str) -> Iterator[Part]:
    """The sections of the page."""
    yield Part("change", "What changed", list(change_blocks(night)))
    yield Part("effects", "Is it worse?", list(effect_blocks(night)))
    yield Part("trouble", "What went wrong", [Source(night.trouble.why)] if night.trouble is not None else [])
    yield Part("trained", "What was trained", [trained_table(night)] if night.parts else [])
    yield Part("environment", "Versions", list(environment_blocks(night, diff)))


def change_blocks(night: NightFacts) -> Iterator[Block]:
    """Between which nights and codes numbers changed, and by how much."""
    change = night.decision.change if night.decision is not None else None
    if change is None:
        return
    yield Text([changed_since(change, night.found)])
    if night.found is not None and len(night.found.suspects) > 1:
        yield Listing([str(suspect) for suspect in night.found.suspects])
    rows = tuple(difference_row(each) for each in change.differences[:MOST_DIFFERENCES])
    more = len(change.differences) - len(rows)
    yield Table(
        ("arm", "seed", "metric", "reference", f"on {change.first_night}"), rows,
        f"And {more} more." if more > 0 else "",
    )  # fmt: skip


def difference_row(difference: Difference) -> tuple[str, ...]:
    """A value that changed, with every digit."""
    arm, seed = difference.replicate
    return (arm, str(seed), difference.metric, _digits(difference.reference), _digits(difference.tonight))


def effect_blocks(night: NightFacts) -> Iterator[Block]:
    """The paired comparison with the references, if one was made."""
    if night.decision is None or not night.decision.effects:
        return
    rows = tuple(
        (
            effect.arm,
            effect.metric,
            str(effect.seeds),
            f"{effect.mean:+.4g}",
            "–" if effect.interval is None else f"{effect.interval[0]:+.4g} … {effect.interval[1]:+.4g}",
            f"{effect.failed[0]} / {effect.failed[1]}",
            "worse" if effect.is_worse else "not shown to be worse",
        )
        for effect in night.decision.effects
    )
    columns = ("arm", "metric", "seeds", "mean change", "interval", "failed before / now", "verdict")
    yield Table(columns, rows, "Pairs are the same seed under the references' code and under the night's.")


def trained_table(night: NightFacts) -> Table:
    """The runs of the study that the night trained."""
    rows = tuple(
        (
            part.purpose,
            part.commit[:10],
            str(len(part.seeds)),
            str(len(part.measurements)) if part.is_done else "not done",
            part.instance or "–",
        )
        for part in night.parts
    )
    note = "A run is found with saddle results STUDY@INSTANCE."
    return Table(("for", "code", "seeds", "trials", "instance"), rows, note)


def environment_blocks(night: NightFacts, diff: str) -> Iterator[Block]:
    """Code, data, environment and machine."""
    if night.environment is None:
        return
    here = night.environment
    facts = {
        "commit": here.code.commit,
        "uncommitted changes": here.code.dirty[:12],
        "data": here.data,
        "environment": here.environment,
        "machine": here.machine,
    }
    yield Facts([Fact(name, [value] if value else []) for name, value in facts.items()])
    if diff:
        yield Source(diff, "diff")


def _digits(value: float | str | None) -> str:
    return "–" if value is None else value if isinstance(value, str) else repr(value)
