"""A plan as people read it: arms, trials, design, power, cost and notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saddle.design.description import DesignFacts
    from saddle.execute.plan.study_plan import Plan
    from saddle.study.space import Parameter

MOST_FIRST, MOST_EFFECTS, MOST_LOOKS, MOST_ASSUMED = 5, 20, 8, 8
"""How many replicates, effects, looks and hyperparameters with assumed values are listed for people."""
SPENT_AS = {"obrien_fleming": "O'Brien and Fleming", "pocock": "Pocock"}


def show_plan(plan: Plan) -> None:
    """Print the plan."""
    from saddle.cli.output.display import duration
    from saddle.cli.output.tables import print_table, say
    from saddle.cli.relation_plan import show_relation

    study = plan.study
    say()
    say(study.study, style="bold")
    say(study.question)
    if plan.design is not None:
        show_design(plan, plan.design)
    elif plan.relation is not None:
        show_relation(plan, plan.relation)
    else:
        print_table(("searched", "range", "only when"), [search_row(*item) for item in (study.search or {}).items()])
        trials = plan.trials or "as many as fit in the time"
        say(f"{trials} trials by {study.sampler.name}, early stopping: {study.early_stopping.name}", indent=2)
    if plan.done:
        say(f"{plan.done} of them are done", indent=2)
    for line in change_lines(plan):
        say(line, indent=2)
    say(f"{plan.slots} at a time on {plan.shape} each", indent=2)
    if plan.trials is not None and plan.done >= plan.trials:
        time = "none, the study is done"
    elif plan.per_trial.seconds is None:
        time = "unknown"
    elif plan.trials is None:
        time = f"{duration(plan.per_trial.seconds)} a trial"
    else:
        time = duration(plan.seconds) + (", if no trial stops early" if may_stop_early(plan) else "")
    if plan.gpu_hours:
        time += f", {plan.gpu_hours:,.1f} GPU-hours"
    disk = "unknown" if plan.bytes is None else f"{plan.bytes / 1e6:.1f} MB"
    say(f"time: {time}; disk: {disk} ({plan.per_trial.basis})", indent=2)
    say(f"rests on assumed values of {assumed_names(plan.assumed)}", indent=2)
    for line in reference_lines(plan):
        say(line, indent=2)
    for note in plan.notes:
        say(f"note: {note}", indent=2)
    if plan.follow_up is not None:
        show_follow_up(plan, *plan.follow_up)


def assumed_names(names: Sequence[str]) -> str:
    """All of a few names, else some and where the others are."""
    if len(names) <= MOST_ASSUMED:
        return ", ".join(names) or "nothing"
    return f"{len(names)} hyperparameters ({', '.join(names[:MOST_ASSUMED])}, …; saddle plan --json lists all)"


def change_lines(plan: Plan) -> Iterator[str]:
    """What the file makes of the stored run of the study."""
    if plan.change is None:
        return
    change = plan.change
    titles = (
        ("new, will be trained", change.new),
        ("analysed again without training", change.again),
        ("refused: saddle run would not start", change.refused),
        ("trained differently from the trials to come; refused without --accept-changes", change.other_code),
    )
    for title, lines in titles:
        for line in lines:
            yield f"{title}: {line}"


def reference_lines(plan: Plan) -> Iterator[str]:
    """The values that a recipe gives, a line for each source: whose they are, and what they are."""
    from saddle.analyse.text.formatting import setting

    grouped: dict[tuple[str, str], list[str]] = {}
    for name, origin in plan.references.items():
        grouped.setdefault(origin, []).append(f"{name} {setting(plan.config[name])}")
    for (source, reference), values in grouped.items():
        yield f"{source}; {reference}: {', '.join(values)}"


def show_follow_up(plan: Plan, text: str, ablation: Plan) -> None:
    """Print the ablation that answers the search's question."""
    from saddle.cli.output.display import duration
    from saddle.cli.output.tables import say

    say(
        f"the question is about {plan.study.asks}, which no search answers: its trials are proposed after what earlier"
        " ones gave, and all have one seed. This study does, with seeds of its own"
        f" ({ablation.trials} trials, time: {duration(ablation.seconds)}):",
        indent=2,
    )
    say()
    for line in text.splitlines():
        say(line, indent=4)


def show_design(plan: Plan, facts: DesignFacts) -> None:
    """Print an ablation's arms, how they are run, and what its effects need."""
    from saddle.cli.output.tables import print_table, say
    from saddle.design.description import component_text, sentences

    ablation = plan.study.ablation
    assert ablation is not None
    names = arm_names(facts)
    rows = zip(names, facts.arms, strict=True)
    print_table(("arm", *facts.factors), [(name, *arm["levels"].values()) for name, arm in rows])
    for name in facts.components:
        say(component_text(facts, name), indent=2)
    blocks = f" × {len(facts.blocks)} blocks ({'; '.join(facts.blocks)})" if facts.blocks else ""
    raced = ablation.spending is not None
    say(
        f"{len(facts.arms)} arms{blocks} × {len(plan.seeds)} paired seeds = {plan.trials} trials"
        + (" at most: an arm that is settled gets no more seeds" if raced else ""),
        indent=2,
    )
    say(f"within each seed in random order (order_seed {facts.order_seed}), first: {first_of(facts)}", indent=2)
    for sentence in sentences(facts):
        say(sentence, indent=2)
    if facts.contrasts is not None:
        say(f"effects: {listed([name for name, _ in facts.effects])}", indent=2)
    for line in (*look_lines(plan), *power_lines(plan)):
        say(line, indent=2)


def arm_names(facts: DesignFacts) -> list[str]:
    """What the arms are called: by number if their names only repeat the levels."""
    from saddle.study.grey_levels import with_grey_levels

    if facts.contrasts is None:
        return [with_grey_levels(arm["arm"]) for arm in facts.arms]
    return ["baseline" if arm["baseline"] else str(place) for place, arm in enumerate(facts.arms, start=1)]


def first_of(facts: DesignFacts) -> str:
    """The first replicates of the first seed."""
    names = arm_names(facts)
    first = [names[place] + (f" in {block}" if block else "") for place, block in facts.first[:MOST_FIRST]]
    return ", ".join(first) + (", …" if len(facts.first) > MOST_FIRST else "")


def listed(names: Sequence[str]) -> str:
    """The names, as many as are read."""
    more = f" and {len(names) - MOST_EFFECTS} more (--json has them all)" if len(names) > MOST_EFFECTS else ""
    return "; ".join(names[:MOST_EFFECTS]) + more


def look_lines(plan: Plan) -> Iterator[str]:
    """After how many seeds arms are looked at, and what it takes to be settled then."""
    ablation = plan.study.ablation
    if not plan.looks or ablation is None or ablation.spending is None:
        return
    bounds = [f"{seeds} seeds: {bound:.2f}" for seeds, bound in plan.looks]
    if len(bounds) > MOST_LOOKS:
        bounds = [*bounds[: MOST_LOOKS - 1], "…", bounds[-1]]
    step = " at the strictest comparison" if len(plan.arms) > 2 else ""
    yield f"{len(plan.looks)} looks, α spent as {SPENT_AS[ablation.spending]} would; |t| that ends it{step}:"
    yield "; ".join(bounds)


def power_lines(plan: Plan) -> Iterator[str]:
    """What effects of each kind need."""
    if plan.spread is None:
        return
    spread = plan.spread
    within = "" if spread.low is None else f"; 95 % interval {spread.low:.3g} to {spread.high:.3g}"
    yield f"spread of paired differences: {spread.sd:.3g} ({spread.source}{within})"
    seeds, several = len(plan.seeds), sum(need.effects for need in plan.needs)
    step = f" at the strictest of {several} comparisons" if several > 1 else ""
    for need in plan.needs:
        what = {"arm": "a difference", "interaction": "an interaction"}.get(need.kind, f"a {need.kind}")
        if math.isfinite(need.detectable):
            yield f"with {seeds} seeds {what} of {need.detectable:.3g} is shown with a chance of 80 %{step}"
        if need.detectable_first is not None and math.isfinite(need.detectable_first):
            first = f"the first look, after {plan.looks[0][0]} seeds, shows one of {need.detectable_first:.3g}"
            yield f"{first} with that chance"
        if need.power is not None:
            takes = f"{need.seeds} seeds" if need.seeds is not None else f"more than {most_seeds(plan)} seeds"
            early = (
                "" if need.power_first is None
                else f" ({100 * need.power_first:.0f} % at the first look, after {plan.looks[0][0]})"
            )  # fmt: skip
            chance = f"is shown with a chance of {100 * need.power:.0f} % with {seeds} seeds{early}"
            yield f"{what} of {plan.effect:g} {chance}; for 80 % it takes {takes}"


def most_seeds(plan: Plan) -> str:
    """Beyond this many seeds, the number needed is not reported."""
    from saddle.study.seeds import MOST_RACED

    return f"{MOST_RACED}" if plan.looks else "1,000"


def may_stop_early(plan: Plan) -> bool:
    """Whether trials may be stopped before their end, so that the time is too long."""
    return plan.study.search is not None and plan.study.early_stopping.name != "none"


def search_row(name: str, parameter: Parameter) -> tuple[str, str, str]:
    """A searched parameter as `name`, `0.0005 … 0.02 (log)`, `schedule=cyclic`."""
    from saddle.cli.output.tables import shown

    if parameter.choice is not None:
        values = " | ".join(shown(value) for value in parameter.choice)
    else:
        low, high = parameter.bounds
        extra = " (log)" if parameter.log else f" in steps of {parameter.step:g}" if parameter.step else ""
        values = f"{shown(low)} … {shown(high)}{extra}"
    return name, values, shown(parameter.when)
