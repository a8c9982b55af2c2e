"""What is to be trained next on a night."""

from __future__ import annotations

from saddle.nightly.decision.cusum_rule import cusum_work
from saddle.nightly.decision.exact_rule import exact_work
from saddle.nightly.decision.history import History
from saddle.nightly.decision.night import Night
from saddle.nightly.decision.work import Work as Work


def next_work(history: History, night: Night) -> Work | None:
    """What the night, with what it has measured so far, is to train next; None where it is done.

    It is asked again after every piece: what was measured decides what follows.
    """
    policy, host = history.policy, night.environment.host
    if policy.rule == "exact":
        return exact_work(policy, history.tracks.exact.get(host), night)
    return cusum_work(policy, history.tracks.fresh.get(host), night)
