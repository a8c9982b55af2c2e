"""Mean ranks of arms in sentences."""

from __future__ import annotations

from saddle.analyse.arms.ranks.mean_ranks import RankedGroup
from saddle.analyse.arms.ranks.rank_balance import RankBalance
from saddle.analyse.arms.ranks.rank_response import RankResponse
from saddle.analyse.arms.ranks.ranked_arms import RankedArms
from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.text.formatting import Scale, listed, plural
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


def response_sentence(group: RankedGroup, metric: Metric, response: RankResponse, constant: str = "") -> str:
    """The change of the mean rank per ten display units of the compared metric."""
    of_metric, of_rank = Scale.of(metric), Scale.of(group.metric, [0.01])
    step = 10 / of_metric.factor
    low, high = sorted((response.low * step, response.high * step))
    size = f"{of_rank.difference(response.slope * step)} (95 % interval {of_rank.interval(low, high)})"
    condition = f" at equal {constant}" if constant else ""
    return (
        f"For 10{of_metric.difference_suffix} more of {metric}{condition}, the mean percentile rank by {group.name}"
        f" changes by {size}, over {plural(response.n, 'seed')}; below 0 is better."
    )
