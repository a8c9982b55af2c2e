"""Scenarios for a slot and its ranks: trials, failures in their attempts, and durations of steps."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from saddle.execute.worker.coordinator import GRACE_SECONDS
from saddle.trial.messages import EndMessage, FaultMessage
from saddle.trial.restart_policy import RESTARTS


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in one attempt at a trial: at which barrier (0 is the reading of the state), with which rank."""

    kind: str
    barrier: int
    rank: int
    others: str
    """What the other ranks do in that barrier: `pass` it, `fail` in their collective, or `hang` in it."""

    def hangs(self, rank: int) -> bool:
        """Whether a rank never returns from the step."""
        return self.kind in ("die", "hang") if rank == self.rank else self.others == "hang"

    def message(self, rank: int, key: str, attempt: int) -> EndMessage | FaultMessage | None:
        """A rank's message that it would not have sent without the failure; None if it sends the usual one."""
        if rank != self.rank:
            failing = self.others == "fail" and self.kind != "short"
            return EndMessage(key, attempt, "failed", "collective") if failing else None
        if self.kind == "fault":
            return FaultMessage(key, attempt, "disk")
        return EndMessage(key, attempt, "completed" if self.kind == "short" else "failed", self.kind)

    def endings(self, ranks: int, is_last: bool) -> set[str]:
        """How the attempt may end for the slot, except deaths and a regular end."""
        alone, others_fail = ranks == 1, ranks > 1 and self.others == "fail"
        if self.kind == "fail":
            return {"failed"}
        if self.kind == "fault":  # only other ranks that fail while this one is still in its step are reported
            return {"fault", "failed"} if others_fail else {"fault"}
        if self.kind == "die":
            return {"failed"} if others_fail else set()
        if self.kind == "hang":
            return {"failed"} if others_fail else {"timed out"}
        if not alone and self.others == "hang":
            return {"timed out"}
        return set() if alone or is_last else {"failed"}


@dataclass(frozen=True)
class Plan:
    """One trial: its epochs, what goes wrong in each attempt, and after which epoch the slot drops it (0 for never)."""

    epochs: int
    troubles: tuple[Trouble | None, ...]
    dropped_after: int = 0
    dies_idle: bool = False
    """Whether the group dies before it gets the trial."""

    def trouble(self, attempt: int) -> Trouble | None:
        return self.troubles[attempt - 1] if attempt <= len(self.troubles) else None


@dataclass(frozen=True)
class Scenario:
    """All events of a slot; `pauses`: durations of all steps, one after the other, in seconds."""

    ranks: int
    trials: tuple[Plan, ...]
    pauses: tuple[float, ...]
    orphans: bool
    """Whether ranks survive the end of their group, as on a disconnected machine."""


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    ranks = draw(st.integers(1, 4))
    troubles = st.builds(
        Trouble,
        st.sampled_from(["fail", "fault", "die", "short", "hang"]),
        st.integers(0, 4),
        st.integers(0, ranks - 1),
        st.sampled_from(["pass", "fail", "hang"]),
    )
    plans = st.builds(
        Plan,
        st.integers(1, 4),
        st.lists(st.none() | troubles, max_size=RESTARTS + 2).map(tuple),
        st.integers(0, 4),
        st.booleans(),
    )
    pauses = st.lists(st.sampled_from([0.0, 0.1, 0.3, 1.0, GRACE_SECONDS, 2 * GRACE_SECONDS]), min_size=1, max_size=12)
    return Scenario(
        ranks, draw(st.lists(plans, min_size=1, max_size=4).map(tuple)), tuple(draw(pauses)), draw(st.booleans())
    )
