"""The part of `saddle plan` about a relation: its units, what it may show, and how it would show more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saddle.execute.plan.relation_plan import Chances, RelationPlan
    from saddle.execute.plan.study_plan import Plan

ADVICE = (
    "datasets are few and differ in more than the predictor; many units can only come from a dose on one dataset, "
    "such as an image size or a contrast in many steps"
)


def relation_as_plain(plan: Plan) -> dict[str, Any] | None:
    """A relation's plan for JSON; None for other studies."""
    facts = plan.relation
    if facts is None:
        return None
    return {
        "predictor": facts.predictor,
        "analysis_plan": facts.digest,
        "units": [
            {"unit": unit.name, "family": unit.family, "x": unit.x, "done": unit.done, "absent": unit.absent}
            for unit in facts.units
        ],
        "sd_of_gains": facts.sd_of_gains,
        "sd_of_seeds": facts.sd_of_seeds,
        "spread_source": facts.source,
        "power": [
            {"units": list(each.sizes), "seeds": each.seeds, "chances": {f"{r:g}": p for r, p in each.chances.items()}}
            for each in facts.power
        ],
    }


def show_relation(plan: Plan, facts: RelationPlan) -> None:
    """Print a relation's units, its trials, and the chance that it ends in a word."""
    from saddle.cli.output.tables import print_table, say

    relation = plan.study.relation
    assert relation is not None
    trials = f"of {2 * len(plan.seeds)}" if plan.seeds else ""
    rows = [
        (unit.name, unit.family, unit.x, "absent" if unit.absent else f"{unit.done} {trials}".strip())
        for unit in facts.units
    ]
    print_table(("unit", "family", facts.predictor, "trials done"), rows)
    present = len(facts.units) - len(facts.absent)
    if plan.seeds:
        say(f"{present} units × 2 arms × {len(plan.seeds)} paired seeds = {plan.trials} trials", indent=2)
    else:
        say("nothing is trained: a table holds the gains", indent=2)
    if facts.absent:
        names = "; ".join(unit.name for unit in facts.absent)
        say(f"absent here, and trained once their data are: {names}", indent=2)
    say(f"analysis plan {facts.digest}; it is fixed when the study first runs", indent=2)
    for line in power_lines(facts):
        say(line, indent=2)
    say(ADVICE, indent=2)


def power_lines(facts: RelationPlan) -> Iterator[str]:
    """The chance of the word for each true correlation."""
    if not facts.power:
        yield "fewer than three units: a relation can only be described"
        return
    yield (
        f"chance that a true relation ends in a word, with standard deviations of gains {facts.sd_of_gains:.3g} and of"
        f" seeds {facts.sd_of_seeds:.3g} ({facts.source}):"
    )
    for each in facts.power:
        chances = ", ".join(f"r = {r:g}: {100 * p:.0f} %" for r, p in each.chances.items())
        yield f"{_units(each)}, {each.seeds} seeds: {chances}"


def _units(each: Chances) -> str:
    if len(each.sizes) == 1:
        return f"{each.sizes[0]} units"
    return f"{sum(each.sizes)} units in families of {', '.join(map(str, each.sizes))}"
