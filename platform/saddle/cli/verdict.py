"""`saddle verdict`: the words of a study's comparisons, and whether they are the expected one, for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saddle.cli.options import AsJson, Storage, StudyName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saddle.analyse.arms.further_verdicts import FurtherVerdict
    from saddle.analyse.arms.ranks.ranked_arms import RankedArms
    from saddle.analyse.expectation import Judgement, ReachedWord
    from saddle.store.base import Store
    from saddle.trial.run_id import RunId

NOT_AS_EXPECTED = 1
UNSETTLED = 4


def verdict(
    study: StudyName,
    storage: Storage = None,
    expect: Annotated[
        str | None,
        typer.Option("--expect", help="Expected verdict, such as helps or rises.", metavar="VERDICT"),
    ] = None,
    arm: Annotated[
        str | None, typer.Option("--arm", help="Arm to judge, instead of all of them.", metavar="NAME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the verdict of each of a study's arms, or of its relation, and compare it with the expected one.

    The exit code is 0 if every verdict is as expected, 1 if one is not, and 4 if that is not settled: the study is not
    finished, or more seeds could still change a verdict.

    Example: saddle verdict quickstart-ablation --arm mp --expect helps
    """
    from saddle.archive.study_url import open_named
    from saddle.cli.output.tables import print_json

    store, name = open_named(study, storage)
    judged = judge_study(store, name, expect, arm)
    if as_json:
        print_json(judged.as_plain())
    else:
        show(judged.words, judged.judgements)
        show_each(judged.each)
        say_cautions(judged.grown)
        if not judged.finished:
            from saddle.cli.output.tables import say

            say(f"{judged.run} is not finished, so no verdict is final")
    if judged.judgement is not None:
        raise typer.Exit(exit_code(judged.judgement))


@dataclass(frozen=True)
class JudgedStudy:
    """The words of a study's comparisons, and the expected one; without one there are no judgements."""

    run: RunId
    metric: str
    finished: bool
    expected: str | None
    judgement: Judgement | None
    words: Sequence[ReachedWord]
    judgements: Sequence[Judgement]
    cautions: Sequence[str]
    each: Sequence[tuple[FurtherVerdict, ReachedWord]]
    """The words of further metrics (`compare: {each}`), each metric a question of its own."""
    ranks: Sequence[tuple[RankedArms, Sequence[ReachedWord]]]
    """The words of mean ranks (`compare: {ranks}`), group by group."""
    alpha: float
    grown: Sequence[str]
    """Of the cautions those that say how the study has grown."""

    def as_plain(self) -> dict[str, Any]:
        """The study's verdicts for JSON."""
        each: Sequence[Judgement | None] = self.judgements or [None for _ in self.words]
        verdicts = [{**word.facts, "judgement": judgement} for word, judgement in zip(self.words, each, strict=True)]
        return {
            "study": self.run.name,
            "metric": self.metric,
            "finished": self.finished,
            "expected": self.expected,
            "judgement": self.judgement,
            "cautions": list(self.cautions),
            "verdicts": verdicts,
            "each": [self._further(*further) for further in self.each],
            "ranks": [
                {
                    "group": ranked.group.name,
                    "metrics": [metric.name for metric in ranked.group.metrics],
                    "recommended": None if ranked.balance is None else ranked.balance.recommended or None,
                    "verdicts": [word.facts for word in words],
                }
                for ranked, words in self.ranks
            ],
        }

    def _further(self, further: FurtherVerdict, word: ReachedWord) -> dict[str, Any]:
        over_all = {"p_over_all": further.p_over_all, "holds_over_all": further.holds_over_all(self.alpha)}
        return {"metric": further.effect.metric.name, **word.facts, **over_all}


def judge_study(store: Store, name: str, expect: str | None, arm: str | None) -> JudgedStudy:
    """What `saddle verdict` says; raises `UserError` for a study without verdicts, an unknown arm or word."""
    from saddle.analyse.expectation import expected_word, further_words, judge_all, rank_words, reached_words
    from saddle.archive.lookup import find_study
    from saddle.archive.progress import read_progress

    stored = find_study(store, name)
    results = stored.read_results(store)
    words = reached_words(results, arm)
    expected = None if expect is None else expected_word(expect, results)
    progress = read_progress(store, stored.run)
    finished = progress is None or progress.state == "finished"
    judgements = [] if expected is None else [word.judge(expected, finished=finished) for word in words]
    together = None if expected is None else judge_all(judgements)
    answer, ablation = results.answer, results.study.ablation
    return JudgedStudy(
        run=stored.run,
        metric=answer.metric.name,
        finished=finished,
        expected=expected,
        judgement=together,
        words=words,
        judgements=judgements,
        cautions=answer.warnings,
        each=further_words(results, arm),
        ranks=rank_words(results, arm),
        alpha=ablation.compare.alpha if ablation is not None else 0.0,
        grown=answer.grown,
    )


def show(words: Sequence[ReachedWord], judgements: Sequence[Judgement]) -> None:
    """Print a line for each comparison, its reservations below it."""
    from saddle.analyse.arms.effect import LATER
    from saddle.cli.output.tables import say

    if not words:
        say("nothing has been compared yet")
    for place, word in enumerate(words):
        later = LATER if word.added_later else ""
        say(f"{word.name}{later}: {word.text}" + (f" ({judgements[place]})" if judgements else ""))
        for reservation in word.reservations:
            say(reservation, indent=2)


def show_each(each: Sequence[tuple[FurtherVerdict, ReachedWord]]) -> None:
    """Print a line for each verdict on a further metric, under the metric's name."""
    from saddle.cli.output.tables import say

    metric = ""
    for further, word in each:
        if further.effect.metric.name != metric:
            metric = further.effect.metric.name
            say(f"{metric}, a question of its own:")
        say(f"{word.name}: {word.text}", indent=2)


def say_cautions(cautions: Sequence[str]) -> None:
    """Print the cautions at the end."""
    from saddle.cli.output.tables import say

    for caution in cautions:
        say(f"note: {caution}")


def exit_code(judgement: Judgement) -> int:
    """The exit code of the command."""
    from saddle.analyse.expectation import Judgement

    return {
        Judgement.AS_EXPECTED: 0,
        Judgement.NOT_AS_EXPECTED: NOT_AS_EXPECTED,
        Judgement.UNSETTLED: UNSETTLED,
    }[judgement]
