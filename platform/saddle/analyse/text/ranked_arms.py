"""Mean ranks of arms in sentences."""

from __future__ import annotations

from saddle.analyse.arms.mean_ranks import RankedGroup
from saddle.analyse.arms.rank_balance import RankBalance
from saddle.analyse.arms.rank_response import RankResponse
from saddle.analyse.arms.ranked_arms import RankedArms
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.text.formatting import Scale, listed, plural, signed
from trainables.contract import Metric

WORDS = {Verdict.HELPS: "better", Verdict.RESCUES: "better", Verdict.HURTS: "worse", Verdict.FAILS: "worse"}


def rank_sentences(ranked: RankedArms) -> list[str]:
    """The verdicts of a group, and the arm that it recommends."""
    balance = [] if ranked.balance is None else [balance_sentence(ranked.balance)]
    return [verdict_sentence(ranked.group), *balance]


def verdict_sentence(group: RankedGroup) -> str:
    """`By concise (12 metrics): a and b rank better than c, no difference shown for d.`"""
    by_word: dict[str, list[str]] = {}
    for effect in group.effects:
        by_word.setdefault(WORDS.get(effect.verdict, str(effect.verdict)), []).append(effect.arm)
    baseline = group.arms[0].arm
    parts = []
    for word, arms in by_word.items():
        if word in ("better", "worse"):
            parts.append(f"{listed(arms)} {'ranks' if len(arms) == 1 else 'rank'} {word} than {baseline}")
        else:
            parts.append(f"{word} for {listed(arms)}")
    return f"By {group.name} ({plural(len(group.metrics), 'metric')}): {'; '.join(parts) or 'no other arm'}."


def balance_sentence(balance: RankBalance) -> str:
    """Which arm is recommended, and why."""
    return f"By {balance.group} against {balance.paid}, recommended: {balance.recommended or 'none'}; {balance.says}."


def response_sentence(group: RankedGroup, metric: Metric, response: RankResponse, held: str = "") -> str:
    """By how much the mean rank changes as the compared metric grows, a point where that is a share."""
    unit = 10 / Scale.of(metric).factor
    step = "10 points" if metric.is_fraction else f"10{f' {metric.unit}' if metric.unit else ''}"
    low, high = sorted((response.low * unit, response.high * unit))
    size = signed(f"{response.slope * unit:+.2f} ({low:+.2f} to {high:+.2f})")
    given = f", {held} held alike" if held else ""
    change = f"the mean rank by {group.name} changes by {size}, over {plural(response.n, 'seed')}"
    return f"For each {step} of {metric}{given}, {change}."
