"""Whether a study ended in the word that a script expects, for each of its comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.further_verdicts import FurtherVerdict
from saddle.analyse.arms.ranks.ranked_arms import RankedArms
from saddle.analyse.arms.verdict import SETTLED, Verdict
from saddle.analyse.relations.findings import Findings
from saddle.analyse.relations.word import Word
from saddle.analyse.study_results import StudyResults
from saddle.errors import NotFound, UserError
from saddle.study.grey_levels import with_grey_levels
from saddle.study.nearest import nearest
from saddle.study.values import readable

SETTLED_WORDS = frozenset({*SETTLED, Word.RISES, Word.FALLS})
"""Words that need no further seeds or units."""


class Judgement(StrEnum):
    """How the verdict of a comparison relates to the expected one."""

    AS_EXPECTED = "as expected"
    NOT_AS_EXPECTED = "not as expected"
    UNSETTLED = "unsettled"


@dataclass(frozen=True)
class ReachedWord:
    """The word that the comparison called `name` has reached, as `text` says it, and the numbers that it rests on.

    `value` is the difference of an arm or the slope of a relation, `low` to `high` its interval, `n` the pairs or units
    that it is computed from. `reservations`: guards that the arm is not shown to keep.
    """

    name: str
    word: Verdict | Word
    text: str
    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    reservations: Sequence[str] = ()
    added_later: bool = False
    """Whether it is of an arm that was added after results could be seen."""

    def judge(self, expected: Verdict | Word, *, finished: bool = True) -> Judgement:
        """The word against the expected one; nothing is settled in a study that is not finished.

        An arm with reservations is not as expected, for any word. A word that more seeds or units could still
        change is unsettled if it is not the expected one.
        """
        if not finished:
            return Judgement.UNSETTLED
        if self.word == expected:
            return Judgement.NOT_AS_EXPECTED if self.reservations else Judgement.AS_EXPECTED
        return Judgement.NOT_AS_EXPECTED if self.word in SETTLED_WORDS else Judgement.UNSETTLED

    @property
    def facts(self) -> dict[str, Any]:
        """The fields as plain data."""
        numbers = {"value": self.value, "low": self.low, "high": self.high, "p": self.p, "n": self.n}
        details = {"reservations": list(self.reservations), "added_later": self.added_later}
        return {"name": self.name, "verdict": str(self.word), **details, **numbers}


def expected_word(text: str, results: StudyResults) -> Verdict | Word:
    """The word that `text` names, with blanks or hyphens; raises `UserError` where such a study has no such word."""
    kind: type[Verdict] | type[Word] = Word if results.study.relation is not None else Verdict
    words = {str(word): word for word in kind}
    text = text.strip().lower().replace("-", " ")
    if text not in words:
        hint = nearest(text, words)
        right = f"did you mean {hint}?" if hint else f"there are: {', '.join(words)}"
        article = "an" if results.study.kind == "ablation" else "a"
        raise UserError(f"{text!r} is not a verdict of {article} {results.study.kind}; {right}")
    return words[text]


def reached_words(results: StudyResults, arm: str | None = None) -> list[ReachedWord]:
    """The words of an ablation's effects, or the single one of a relation; those of the effect or arm `arm` alone.

    Raises `UserError` for a search, which has no verdict, and `NotFound` if there is no such arm.
    """
    answer = results.answer
    if results.study.search is not None:
        raise UserError(f"{results.run} is a search, which has no verdict; an ablation of its result has one")
    if answer.relation is not None:
        if arm is not None:
            raise UserError(f"{results.run} is a relation, which has one verdict; leave out --arm")
        return [_of_relation(answer.relation)]
    if arm is None:
        return [_of_effect(effect) for effect in answer.effects]
    label = _label_of(arm, results)
    matches = [effect for effect in answer.effects if label in (effect.name, effect.arm)]
    if not matches:
        names = [effect.name for effect in answer.effects]
        hint = nearest(arm, names)
        right = f"did you mean {hint}?" if hint else f"there are: {', '.join(names) or 'none'}"
        raise NotFound(f"{results.run} compares no arm {arm!r} with its baseline; {right}")
    return [_of_effect(effect) for effect in matches]


def further_words(results: StudyResults, arm: str | None = None) -> list[tuple[FurtherVerdict, ReachedWord]]:
    """The words of the further metrics (`compare: {each}`); those of the effect or arm `arm` alone."""
    wanted = None if arm is None else _label_of(arm, results)
    matches = (
        verdict for verdict in results.further if wanted is None or wanted in (verdict.effect.name, verdict.effect.arm)
    )
    return [(verdict, _of_effect(verdict.effect)) for verdict in matches]


def rank_words(results: StudyResults, arm: str | None = None) -> list[tuple[RankedArms, list[ReachedWord]]]:
    """The words of mean ranks (`compare: {ranks}`), group by group; those of the arm `arm` alone."""
    wanted = None if arm is None else _label_of(arm, results)
    return [
        (ranked, [_of_effect(effect) for effect in ranked.group.effects if wanted is None or wanted == effect.arm])
        for ranked in results.answer.ranked
    ]


def judge_all(judgements: Sequence[Judgement]) -> Judgement:
    """The judgement of all comparisons of a study together; one without any is unsettled."""
    for worse in (Judgement.NOT_AS_EXPECTED, Judgement.UNSETTLED):
        if worse in judgements:
            return worse
    return Judgement.AS_EXPECTED if judgements else Judgement.UNSETTLED


def _label_of(arm: str, results: StudyResults) -> str:
    """The displayed name of the arm with this key, name, or level that no other arm has; else `arm` itself."""
    arm = with_grey_levels(arm)
    levels = {
        name: with_grey_levels(readable(named_arm.level))
        for name, named_arm in results.named_arms.items()
        if named_arm.factor
    }
    at_level = [name for name, level in levels.items() if level == arm]
    return results.arm_names.get(arm) or (at_level[0] if len(at_level) == 1 else arm)


def _of_effect(effect: Effect) -> ReachedWord:
    return ReachedWord(
        effect.name, effect.verdict, effect.verdict_text, effect.n, effect.mean, effect.low, effect.high,
        effect.p_adjusted, effect.reservations, effect.added_after is not None,
    )  # fmt: skip


def _of_relation(findings: Findings) -> ReachedWord:
    answer = findings.answer
    fitted = answer.fitted
    text = f"{answer.word}: {answer.why}" if answer.why else str(answer.word)
    if fitted is None:
        return ReachedWord(answer.predictor, answer.word, text, answer.k)
    return ReachedWord(answer.predictor, answer.word, text, answer.k, fitted.slope, fitted.low, fitted.high, fitted.p)
