"""`saddle plan`: what a study would do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddle.cli.options import AsJson, DataRoot, Settings, Storage, StudyFile
from saddle.cli.relation_plan import relation_as_plain

if TYPE_CHECKING:
    from saddle.execute.plan.study_plan import Plan


def plan(
    study: StudyFile,
    settings: Settings = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    effect: Annotated[
        float | None,
        typer.Option(help="True difference to detect, in the metric's unit: the plan says how many seeds that takes."),
    ] = None,
    spread: Annotated[
        float | None, typer.Option(help="Standard deviation over seeds of the paired difference of two arms.")
    ] = None,
    pilot: Annotated[
        str | None, typer.Option(help="Stored ablation to estimate that standard deviation from.", metavar="STUDY")
    ] = None,
    gpu_throughput: Annotated[
        float | None,
        typer.Option(help="Multiply-adds per second that one of your GPUs reaches with such networks, such as 2e13."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show arms, trials, what can be estimated, resources, time and disk; start nothing.

    Example: saddle plan quickstart --set quickstart-ablation:ablation.seeds=8 --effect 0.02 --spread 0.015
    """
    from saddle.cli.output.plan_display import show_plan
    from saddle.cli.output.tables import print_json
    from saddle.errors import UserError
    from saddle.execute.plan.cost_estimate import EarlierTrials
    from saddle.execute.plan.pilot_spread import PowerQuestion
    from saddle.execute.plan.study_plan import plan_study
    from saddle.store.open import open_store
    from saddle.studyfile.loader import load_studies

    store = open_store(storage, create=False)
    root = None if data_root is None else str(data_root)
    studies = load_studies(study, settings or ())
    if gpu_throughput is not None and not (math.isfinite(gpu_throughput) and gpu_throughput > 0):
        raise UserError(f"--gpu-throughput {gpu_throughput:g} is not above zero")
    refuse_senseless(effect, spread, pilot, any(each.ablation for each in studies))
    question = PowerQuestion(effect, spread, pilot)
    earlier = EarlierTrials(store)
    plans = [plan_study(each, store, root, question, gpu_throughput, earlier) for each in studies]
    warn_of_tracking()
    if as_json:
        print_json([as_plain(study_plan) for study_plan in plans])
    else:
        for study_plan in plans:
            show_plan(study_plan)


def warn_of_tracking() -> None:
    """Warn on stderr if the MLflow server would refuse requests."""
    from saddle.cli.output.terminal import echo
    from saddle.errors import HostRefused
    from saddle.track.host_guard import require_host, tracking_server

    try:
        require_host(tracking_server())
    except HostRefused as refusal:
        echo(f"note: {refusal}", err=True)


def as_plain(plan: Plan) -> dict[str, Any]:
    """The plan for JSON."""
    return {
        "study": plan.study.study,
        "question": plan.study.question,
        "trials": plan.trials,
        "done": plan.done,
        "arms": [dict(arm) for arm in plan.arms],
        "seeds": list(plan.seeds),
        "looks": [{"seeds": seeds, "critical_t": bound} for seeds, bound in plan.looks],
        "concurrency": plan.slots,
        "resources_per_trial": plan.shape,
        "seconds": plan.seconds,
        "seconds_per_trial": plan.per_trial.seconds,
        "gpu_hours": plan.gpu_hours,
        "multiply_adds_per_trial": plan.per_trial.operations,
        "bytes": plan.bytes,
        "basis": plan.per_trial.basis,
        "config": dict(plan.config),
        "assumed": list(plan.assumed),
        "references": {
            name: {"source": source, "reference": reference} for name, (source, reference) in plan.references.items()
        },
        "notes": list(plan.notes),
        "design": design_as_plain(plan),
        "relation": relation_as_plain(plan),
        "change": None if plan.change is None else {name: list(lines) for name, lines in vars(plan.change).items()},
        "power": power_as_plain(plan),
        "follow_up": None
        if plan.follow_up is None
        else {"file": plan.follow_up[0], "trials": plan.follow_up[1].trials, "seconds": plan.follow_up[1].seconds},
    }


def design_as_plain(plan: Plan) -> dict[str, Any] | None:
    """An ablation's design for JSON."""
    from saddle.design.contrasts import Contrasts

    facts, ablation = plan.design, plan.study.ablation
    if facts is None or ablation is None:
        return None
    contrasts = facts.contrasts or Contrasts(())
    return {
        "name": facts.name,
        "resolution": facts.resolution,
        "factors": {factor: list(levels) for factor, levels in facts.factors.items()},
        "components": {name: dict(states) for name, states in facts.components.items()},
        "arms": [dict(arm) for arm in facts.arms],
        "blocks": list(facts.blocks),
        "order_seed": facts.order_seed,
        "order_of_first_seed": [
            facts.arms[place]["arm"] + (f" in {block}" if block else "") for place, block in facts.first
        ],
        "effects": [{"name": name, "kind": kind} for name, kind in facts.effects],
        "aliases": {c.term: list(c.aliases) for c in contrasts.effects if c.aliases},
        "shares": {c.term: dict(c.shares) for c in contrasts.effects if c.shares},
        "largest_correlation": None if contrasts.correlation is None else list(contrasts.correlation),
        "left_out": list(contrasts.left_out),
        "raced": ablation.spending is not None,
    }


def power_as_plain(plan: Plan) -> dict[str, Any] | None:
    """The seeds that effects need, for JSON; None if no spread is known."""
    if plan.spread is None:
        return None
    return {
        "spread": plan.spread.sd,
        "spread_low": plan.spread.low,
        "spread_high": plan.spread.high,
        "source": plan.spread.source,
        "effect": plan.effect,
        "seeds": len(plan.seeds),
        "needs": [
            {
                "kind": need.kind,
                "effects": need.effects,
                "sd": need.sd,
                "detectable_effect": need.detectable if math.isfinite(need.detectable) else None,
                "detectable_effect_at_first_look": need.detectable_first,
                "power": need.power,
                "power_at_first_look": need.power_first,
                "seeds_needed": need.seeds,
            }
            for need in plan.needs
        ],
    }


def refuse_senseless(effect: float | None, spread: float | None, pilot: str | None, ablates: bool) -> None:
    """Raise `UserError` for numbers that mean nothing, and for options that exclude each other or concern a search."""
    from saddle.errors import UserError

    for name, value in (("--effect", effect), ("--spread", spread)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UserError(f"{name} {value:g} is not above zero; it is a size in the metric's unit, such as 0.02")
    if spread is not None and pilot is not None:
        raise UserError("--spread and --pilot both say how large the spread is; keep one of them")
    if not ablates and (effect, spread, pilot) != (None, None, None):
        raise UserError("--effect, --spread and --pilot ask about an ablation, and this file has none")
