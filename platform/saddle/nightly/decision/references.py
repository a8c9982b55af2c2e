"""What a host's nights are compared with: its references, and a change of them that is not settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Literal

from saddle.nightly.decision.decision import ChangeRange, Difference, MetricEffect
from saddle.nightly.decision.differences import differences
from saddle.nightly.decision.night import Environment, Measurement, Night, Replicate
from saddle.nightly.decision.policy import Policy


@dataclass(frozen=True)
class PendingChange:
    """A change that is compared with the references, seed by seed in `order`; `looked`: seeds at the latest look."""

    range: ChangeRange
    order: tuple[int, ...]
    values: Mapping[Replicate, Measurement]
    looked: int = 0
    effects: tuple[MetricEffect, ...] = ()
    is_worse: bool = False

    def complete_seeds(self, arms: Iterable[str]) -> tuple[int, ...]:
        """The first seeds of the order that every arm is measured with."""
        wanted = list(arms)
        return tuple(takewhile(lambda seed: all(Replicate(arm, seed) in self.values for arm in wanted), self.order))


@dataclass(frozen=True)
class ExactTrack:
    """The nights of one deterministic host so far.

    `environment`: what the references were trained with. `latest`: that of the last night, whose values are those of
    the references or of the pending change. `rotations`: how many nights repeated references of the whole pool.
    """

    environment: Environment
    latest: Environment
    references: Mapping[Replicate, Measurement]
    rotations: int = 0
    pending: PendingChange | None = None

    @classmethod
    def begin(cls, night: Night) -> ExactTrack:
        """One whose pool belongs to the night's code, with what the night has of it."""
        return cls(night.environment, night.environment, {**night.at_its_code, **night.measured("pool")})

    def filled(self, night: Night) -> ExactTrack:
        """The track with the references that were trained on the night."""
        return replace(self, references={**night.measured("pool"), **self.references})

    def moved_to(self, change: PendingChange) -> ExactTrack:
        """The track with what the change has measured as its references."""
        return replace(self, environment=change.range.after, references=change.values, pending=None)

    def values_of(self, arm: str, metric: str) -> list[float]:
        """The references of a metric, by seed; those that failed left out."""
        measured = [self.references[each] for each in sorted(self.references) if each.arm == arm]
        return [each.metrics[metric] for each in measured if not each.has_failed and metric in each.metrics]

    def lacking(self, policy: Policy) -> tuple[Replicate, ...]:
        """The references that are still to be trained."""
        return tuple(each for each in policy.pool if each not in self.references)

    def repeated(self, policy: Policy) -> tuple[Replicate, ...]:
        """The references to measure again tonight: those of the rotation, of a pool that is being filled one seed."""
        if self.lacking(policy):
            first = next((seed for seed in policy.seeds if self._has(policy, seed)), policy.seeds[0])
            return tuple(each for each in policy.replicates((first,)) if each in self.references)
        begin = self.rotations * policy.rotation
        places = range(begin, begin + policy.rotation)
        return policy.replicates(tuple(policy.seeds[place % len(policy.seeds)] for place in places))

    def _has(self, policy: Policy, seed: int) -> bool:
        return all(each in self.references for each in policy.replicates((seed,)))

    def can_be_filled(self, policy: Policy, night: Night, standing: Standing) -> bool:
        """Whether references that are lacking can still be trained: with the pool's code and data, or what equals them.

        Uncommitted changes can't be restored once they are gone, nor can data.
        """
        if standing.word == "references" or not self.lacking(policy):
            return True
        has_code = not self.environment.code.dirty or night.environment.code == self.environment.code
        return has_code and night.environment.data == self.environment.data


@dataclass(frozen=True)
class Standing:
    """What tonight's code gives: the values of the `references`, those of the pending `change`, or `new` ones.

    Empty if nothing was measured again. `differences` are those from the references of what was `repeated`.
    """

    word: Literal["", "references", "change", "new"]
    repeated: tuple[Replicate, ...] = ()
    differences: tuple[Difference, ...] = ()


def standing_of(track: ExactTrack, night: Night) -> Standing:
    """The state of the night's code according to the seeds that it measured again, for any policy."""
    tonight = night.at_its_code
    witnesses = tuple(each for each in _witnesses(track) if each in tonight)
    if track.pending is not None and witnesses and not differences(track.pending.values, tonight, witnesses):
        return Standing("change", witnesses)
    rotated = (each for each in sorted(night.measured("rotation")) if each in track.references)
    repeated = tuple(dict.fromkeys((*witnesses, *rotated)))
    tonight_differences = differences(track.references, tonight, repeated)
    return Standing("new" if tonight_differences else "references" if repeated else "", repeated, tonight_differences)


def still_to_repeat(policy: Policy, track: ExactTrack, night: Night) -> tuple[Replicate, ...]:
    """What must be measured again before the state of the night's code is known.

    With a change pending that is the seed that showed it; where the change is gone there, the rotation shows whether it
    is gone everywhere.
    """
    tonight, witnesses = night.at_its_code, _witnesses(track)
    missing = tuple(each for each in witnesses if each not in tonight)
    if missing or differences(track.references, tonight, witnesses):
        return missing
    return tuple(each for each in track.repeated(policy) if each not in tonight)


def _witnesses(track: ExactTrack) -> tuple[Replicate, ...]:
    """The replicates of the seed that showed the pending change; none if none is pending."""
    witness = track.pending.range.witness if track.pending else None
    if track.pending is None or witness is None:
        return ()
    return tuple(each for each in sorted(track.pending.values) if each.seed == witness.seed)


def new_change(policy: Policy, track: ExactTrack, night: Night, standing: Standing) -> PendingChange:
    """The change that the night shows, compared with nothing yet."""
    what = night.environment.changes_from(track.latest)
    change = ChangeRange(night.date, track.latest, night.environment, what, standing.differences)
    first = dict.fromkeys(each.seed for each in standing.repeated)
    order = tuple(dict.fromkeys((*first, *policy.seeds)))
    return PendingChange(change, order, night.at_its_code)


def with_tonights(pending: PendingChange, night: Night) -> PendingChange:
    """The change with what was measured tonight of seeds that it lacked."""
    return replace(pending, values={**night.at_its_code, **pending.values})
