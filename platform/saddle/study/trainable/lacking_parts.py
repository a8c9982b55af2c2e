"""What the trials of a trainable lack that leaves out parts of the contract."""

from __future__ import annotations

from collections.abc import Iterator

from saddle.study.trainable.declarations import Declarations
from trainables.contract import Part

SENTENCES: dict[Part, str] = {
    "state": "Only metrics of a trial are kept, not its model; pass it with run.report(…, model=model).",
    "resume": "An interrupted trial starts over; call run.restore(model=model) so that it resumes.",
    "load": "Trained models can't be loaded: there is no load(config, state).",
    "evaluate": (
        "Nothing is measured on test data: there is no evaluate(config, state, run), and no program reports it. "
        "What is compared has also chosen the checkpoints, so its level is too optimistic, and no claim about "
        "unseen data follows."
    ),
}


def given_up(declared: Declarations) -> Iterator[str]:
    """A sentence for each part that a trainable does without; of several that say the same, one."""
    lacks = declared.lacks
    yield from (SENTENCES[part] for part in lacks if not (part == "load" and "state" in lacks))
