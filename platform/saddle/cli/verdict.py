"""`saddle verdict`: the words of a study's comparisons, and whether they are the expected one, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from saddle.cli.options import AsJson, Storage, StudyName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saddle.analyse.expectation import Judgement, ReachedWord

NOT_AS_EXPECTED = 1
UNSETTLED = 4


def verdict(
    study: StudyName,
    storage: Storage = None,
    expect: Annotated[
        str | None,
        typer.Option("--expect", help="The verdict that is wanted, such as helps or rises.", metavar="VERDICT"),
    ] = None,
    arm: Annotated[
        str | None, typer.Option("--arm", help="The arm that is meant, instead of all of them.", metavar="NAME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the verdict of each of a study's arms, or of its relation, and compare it with the expected one.

    Ends with 0 where every verdict is as expected, with 1 where one is not, and with 4 where that is not settled:
    the study is not finished, or more seeds could still change a verdict.

    Example: saddle verdict quickstart-ablation --arm mp --expect helps
    """
    from saddle.analyse.expectation import expected_word, judge_all, reached_words
    from saddle.archive.lookup import find_study
    from saddle.archive.progress import read_progress
    from saddle.archive.study_url import open_named
    from saddle.cli.output.tables import print_json

    store, name = open_named(study, storage)
    stored = find_study(store, name)
    results = stored.read_results(store)
    words = reached_words(results, arm)
    expected = None if expect is None else expected_word(expect, results)
    progress = read_progress(store, stored.run)
    finished = progress is None or progress.state == "finished"
    judgements = [] if expected is None else [word.judge(expected, finished=finished) for word in words]
    together = None if expected is None else judge_all(judgements)
    if as_json:
        print_json(
            {
                "study": stored.run.name,
                "metric": results.answer.metric.name,
                "finished": finished,
                "expected": expected,
                "judgement": together,
                "cautions": list(results.answer.warnings),
                "verdicts": [
                    {**word.facts, "judgement": judgements[place] if judgements else None}
                    for place, word in enumerate(words)
                ],
            }
        )
    else:
        show(words, judgements, results.answer.grown)
        if not finished:
            from saddle.cli.output.tables import say

            say(f"{stored.run} is not finished, so no verdict is final")
    if together is not None:
        raise typer.Exit(exit_code(together))


def show(words: Sequence[ReachedWord], judgements: Sequence[Judgement], cautions: Sequence[str] = ()) -> None:
    """Print a line for each comparison, its reservations below it, and the `cautions` at the end."""
    from saddle.cli.output.tables import say

    if not words:
        say("nothing has been compared yet")
    for place, word in enumerate(words):
        later = " (added later)" if word.added_later else ""
        say(f"{word.name}{later}: {word.text}" + (f" ({judgements[place]})" if judgements else ""))
        for reservation in word.reservations:
            say(reservation, indent=2)
    for caution in cautions:
        say(f"note: {caution}")


def exit_code(judgement: Judgement) -> int:
    """What the command ends with."""
    from saddle.analyse.expectation import Judgement

    return {
        Judgement.AS_EXPECTED: 0,
        Judgement.NOT_AS_EXPECTED: NOT_AS_EXPECTED,
        Judgement.UNSETTLED: UNSETTLED,
    }[judgement]
