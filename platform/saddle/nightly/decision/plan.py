"""What is to be trained next on a night."""

from __future__ import annotations

from saddle.nightly.decision.history import History
from saddle.nightly.decision.night import Night
from saddle.nightly.decision.work import Work as Work


def next_work(history: History, night: Night) -> Work | None:
    """What the night, with what it has measured so far, is to train next; None if it is done.

    It is asked again after every piece: what was measured decides what follows.
    """
    return history.work(night)
