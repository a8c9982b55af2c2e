"""The colour in which an answer is shown; it is known without the page, whose figures take long to import."""

from __future__ import annotations

from saddle.analyse.arms.verdict import Verdict
from saddle.analyse.result import Answer


def tone(answer: Answer) -> str:
    """The colour of the answer: good, bad, mixed, or plain if nothing is shown."""
    verdicts = {effect.verdict for effect in answer.effects}
    good, bad = Verdict.HELPS in verdicts, bool(verdicts & {Verdict.HURTS, Verdict.FAILS})
    return "mixed" if good and bad else "good" if good else "bad" if bad else "plain"
