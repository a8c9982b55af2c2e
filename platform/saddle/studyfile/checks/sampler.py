"""Whether the sampler can do what the search asks of it."""

from __future__ import annotations

from saddle.studyfile.draft import Draft


def check_sampler(draft: Draft) -> None:
    """Check the sampler against parameters, objectives, budget and concurrency."""
    sampler = draft.section("sampler")
    if sampler is None or not draft.is_search:
        return
    if sampler.name == "cmaes":
        _check_cmaes(draft)
    if sampler.name in ("tpe", "gp"):
        _check_startup(draft, sampler.name, sampler.options.startup_trials)


def _check_cmaes(draft: Draft) -> None:
    # Optuna would draw these at random behind a warning, and the report would call that CMA-ES.
    for name, parameter in draft.search.items():
        kind = "a choice" if parameter.choice is not None else "conditional" if parameter.when else None
        if kind:
            what = f"cmaes can't search {name}, which is {kind}; it would be drawn at random"
            draft.refuse(("sampler",), what, f"use tpe, or move {name} to fixed")
    if len(draft.raw.get("search", {})) == 1:
        draft.refuse(("sampler",), "cmaes needs at least two parameters to search", "use tpe or gp")
    if len(draft.objectives) > 1:
        draft.refuse(("sampler",), f"cmaes can't search for {len(draft.objectives)} objectives", "use nsga2, tpe or gp")


def _check_startup(draft: Draft, name: str, startup: int) -> None:
    budget, resources = draft.section("budget"), draft.section("resources")
    spells_startup = ("sampler", name, "startup_trials") in draft.document.places
    path = ("sampler", name, "startup_trials") if spells_startup else ("sampler",)
    # A smaller budget given on the command line is a quick try of the study, not a mistake in it.
    is_quick_try = draft.document.place(("budget", "trials")).line is None
    if budget is not None and budget.trials is not None and startup > budget.trials and not is_quick_try:
        what = f"all {budget.trials} trials would be start-up trials, drawn at random: {name} starts after {startup}"
        right = f"write sampler: {{{name}: {{startup_trials: {max(1, budget.trials // 3)}}}}}, or a larger budget"
        draft.refuse(path if "sampler" in draft.raw else ("budget",), what, right)
    if resources is not None and resources.most is not None and resources.most > startup:
        limit = "concurrency" if resources.slots is None else "slots"
        what = (
            f"{resources.most} concurrent trials, but only {startup} start-up trials: {name} would propose trials "
            "without any result"
        )
        draft.refuse(path if "sampler" in draft.raw else ("resources", limit), what, f"at most {startup} at a time")
