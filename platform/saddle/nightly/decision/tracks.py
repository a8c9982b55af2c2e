"""The state of every host's nights, computed from the nights and acceptances of a history one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from saddle.errors import UserError
from saddle.nightly.decision.cusum_rule import FreshTrack, accepted_from, cusum_decision, cusum_work
from saddle.nightly.decision.decision import Decision
from saddle.nightly.decision.exact_rule import exact_decision, exact_work
from saddle.nightly.decision.night import Host, Night
from saddle.nightly.decision.policy import Policy
from saddle.nightly.decision.references import ExactTrack
from saddle.nightly.decision.work import Work


@dataclass(frozen=True)
class Tracks:
    """For each host the state of its nights, by the rule of the policy, and the decision of every night."""

    exact: Mapping[Host, ExactTrack] = field(default_factory=dict)
    fresh: Mapping[Host, FreshTrack] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()

    def after(self, policy: Policy, night: Night) -> Tracks:
        """The tracks with another night."""
        host = night.environment.host
        if policy.rule == "exact":
            track, decision = exact_decision(policy, self.exact.get(host), night)
            return replace(self, exact={**self.exact, host: track}, decisions=(*self.decisions, decision))
        stream, decision = cusum_decision(policy, self.fresh.get(host), night)
        return replace(self, fresh={**self.fresh, host: stream}, decisions=(*self.decisions, decision))

    def work(self, policy: Policy, night: Night) -> Work | None:
        """What the night, with what it has measured so far, is to train next; None if it is done."""
        host = night.environment.host
        if policy.rule == "exact":
            return exact_work(policy, self.exact.get(host), night)
        return cusum_work(policy, self.fresh.get(host), night)

    def reference_values(self, host: Host, arm: str, metric: str) -> list[float]:
        """What tonight's values of a metric are compared with, failed replicates left out."""
        if host in self.exact:
            return self.exact[host].values_of(arm, metric)
        return self.fresh[host].streams[arm, metric].values if host in self.fresh else []

    def accepting(self, nights: Sequence[Night], date: str) -> Tracks:
        """The tracks whose references are what the night of that date showed, after all `nights`.

        Raises `UserError` if there is no such night, or its values are not those of a change that is still there.
        """
        hosts = {night.environment.host for night in nights if night.date == date}
        if not hosts:
            raise UserError(f"there is no night of {date}; saddle nightly history shows those there are")
        exact = {host: _moved(self.exact[host], date) for host in hosts if host in self.exact}
        fresh = {host: _anew(self.fresh[host], host, nights, date) for host in hosts if host in self.fresh}
        return replace(self, exact={**self.exact, **exact}, fresh={**self.fresh, **fresh})


def _moved(track: ExactTrack, date: str) -> ExactTrack:
    if track.pending is None:
        raise UserError(f"the night of {date} has no change to accept: the latest night equals its references")
    first = track.pending.range.first_night
    if date < first:
        raise UserError(f"the night of {date} is before the pending change, which came on {first}")
    return track.moved_to(track.pending)


def _anew(track: FreshTrack, host: Host, nights: Sequence[Night], date: str) -> FreshTrack:
    return accepted_from(track, [night for night in nights if night.environment.host == host and night.date >= date])
