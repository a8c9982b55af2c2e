"""The index page of all nights, the latest first."""

from __future__ import annotations

from collections.abc import Sequence

from saddle.nightly.decision.policy import Policy
from saddle.nightly.pages.night_facts import NightFacts
from saddle.nightly.pages.trend import trend
from saddle.report.blocks import Figures, Text
from saddle.report.page import render_page
from saddle.report.section import Part
from saddle.study.models import Study
from saddle.study.trainable.declarations import Declarations

COLUMNS = ("night", "result", "result", "commits", "code", "trials")


def index_page(study: Study, declared: Declarations, policy: Policy, nights: Sequence[NightFacts]) -> str:
    """The page's HTML."""
    latest = nights[-1] if nights else None
    figures = [trend(nights, policy.arms, declared.metric(watched.metric)) for watched in policy.watched]
    return render_page(
        "nightly_index.html",
        title=f"{study.study}, every night",
        study=study,
        tone="plain" if latest is None else latest.tone,
        answer="No night has run yet." if latest is None else f"{latest.date}: {latest.sentence}",
        counts=counts(nights),
        columns=COLUMNS,
        rows=list(reversed(nights)),
        parts=[
            Part("trends", "Trends", [Figures(figures)]),
            Part("rule", "How a night is judged", [Text([rule(policy)])]),
        ],
    )


def counts(nights: Sequence[NightFacts]) -> str:
    """How many nights came to what."""
    words = [night.word for night in nights]
    listed = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    return f"{len(nights)} night{'s' * (len(nights) != 1)}: {listed}" if nights else ""


def rule(policy: Policy) -> str:
    """The rule by which nights are judged, for a reader of the page."""
    seeds, metrics = len(policy.seeds), " and ".join(watched.metric for watched in policy.watched)
    if policy.rule == "cusum":
        return (
            f"Every night trains {policy.rotation} fresh seeds of {len(policy.arms)} arms and sums up how far their "
            f"{metrics} is below earlier seeds (CUSUM); {100 * policy.monthly:g} % of months without any change have "
            "an alarm. One seed on a CPU, where numbers are exact, shows that the code changed."
        )
    return (
        f"Every night repeats {policy.rotation} of {seeds} reference seeds of {len(policy.arms)} arms. Numbers that "
        f"are exactly the same need no test, so an unchanged night never alarms. After a change, {metrics} is compared "
        f"with the references, looking after {', '.join(map(str, policy.looks))} seeds; a harmless change is called "
        f"worse with a chance of at most {100 * policy.alpha:g} %."
    )
