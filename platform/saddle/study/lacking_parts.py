"""What can't be had of the trials of a trainable that does without parts of the contract."""

from __future__ import annotations

from collections.abc import Iterator

from saddle.study.declarations import Declarations
from trainables.contract import Part

SENTENCES: dict[Part, str] = {
    "state": "No model of a trial is kept: train reports metrics only; run.report(metrics, model=model) keeps one.",
    "resume": "A disturbed trial starts over: train doesn't ask for its last state with run.restore(model=model).",
    "load": "No trained model can be opened again: there is no load(config, state) beside train.",
    "evaluate": (
        "Nothing is measured on test data: there is no evaluate(config, state, run) beside train. What is compared has"
        " also chosen the checkpoints, so its level flatters, and no claim about unseen data follows."
    ),
}


def given_up(declared: Declarations) -> Iterator[str]:
    """A sentence for each part that a trainable does without; of several that say the same, one."""
    lacks = declared.lacks
    yield from (SENTENCES[part] for part in lacks if not (part == "load" and "state" in lacks))
