"""What a night says, given all nights before."""

from __future__ import annotations

from saddle.nightly.decision.decision import Decision
from saddle.nightly.decision.history import History
from saddle.nightly.decision.night import Night


def judge(history: History, night: Night) -> Decision:
    """What `night` says after the nights of `history`, which it is not among; `unfinished` if it can't say yet."""
    if history.lacks_work(night):
        return Decision("unfinished", night.date, night.environment)
    return history.tracks.after(history.policy, night).decisions[-1]
