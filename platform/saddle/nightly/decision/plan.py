"""What is to be trained next on a night."""

from __future__ import annotations

from dataclasses import dataclass

from saddle.nightly.decision.history import History
from saddle.nightly.decision.night import Code, Night, Purpose, Replicate


@dataclass(frozen=True)
class Work:
    """Replicates to train with one code before `next_work` is asked again.

    `code`: the night's own, or the pool's, which then needs a worktree of its commit. `required`: without all of them
    the night says nothing; the others may be left to a later night. `why`: a clause for people.
    """

    replicates: tuple[Replicate, ...]
    code: Code
    purpose: Purpose
    required: bool
    why: str


def next_work(history: History, night: Night) -> Work | None:
    """What the night, with what it has measured so far, is to train next; None where it is done."""
    raise NotImplementedError
