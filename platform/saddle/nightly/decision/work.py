"""What is to be trained next on a night, and with which code."""

from __future__ import annotations

from dataclasses import dataclass

from saddle.nightly.decision.night import Code, Purpose, Replicate


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
