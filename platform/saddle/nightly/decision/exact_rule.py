"""Nights of a machine on which the same seed gives the same value: equal, or changed and then compared.

Equality needs no test, so that it never alarms falsely. What differs is compared with the references, which were
trained before it: a batch of seeds first, then a few each night, until it is shown to be worse or all are compared.
"""

from __future__ import annotations

from dataclasses import replace

from saddle.nightly.decision.comparison import compare_at
from saddle.nightly.decision.contrasts import Look
from saddle.nightly.decision.decision import ChangeRange, Decision, Kind
from saddle.nightly.decision.night import Code, Night
from saddle.nightly.decision.policy import Policy
from saddle.nightly.decision.references import (
    ExactTrack,
    PendingChange,
    Standing,
    new_change,
    standing_of,
    still_to_repeat,
    with_tonights,
)
from saddle.nightly.decision.work import Work


def exact_work(policy: Policy, earlier: ExactTrack | None, night: Night) -> Work | None:
    """What the night is to train next; None if it is done."""
    if earlier is None or not earlier.references:
        return _pool_work(policy, ExactTrack.begin(night), night)
    repeated = still_to_repeat(policy, earlier, night)
    if repeated:
        return Work(repeated, night.environment.code, "rotation", required=True, why="measured again")
    standing = standing_of(earlier, night)
    if not earlier.can_be_filled(policy, night, standing):
        return _pool_work(policy, ExactTrack.begin(night), night)
    track = earlier.filled(night)
    return _pool_work(policy, track, night) or _comparison_work(policy, track, night, standing)


def _pool_work(policy: Policy, track: ExactTrack, night: Night) -> Work | None:
    lacking = track.lacking(policy)
    return Work(lacking, _pool_code(track, night), "pool", False, "references that the pool lacks") if lacking else None


def _pool_code(track: ExactTrack, night: Night) -> Code:
    """The pool's own code; tonight's where that has uncommitted changes, and gives the same values."""
    return night.environment.code if track.environment.code.dirty else track.environment.code


def _comparison_work(policy: Policy, track: ExactTrack, night: Night, standing: Standing) -> Work | None:
    """The seeds up to the next look of the change that the night has; one look a night."""
    change = _change_of(policy, track, night, standing)
    if change is None or change.is_worse:
        return None
    target = next((look for look in policy.looks if look > change.looked), policy.looks[-1])
    missing = tuple(each for each in policy.replicates(change.order[:target]) if each not in change.values)
    why = f"compared with the references, up to {target} seeds"
    return Work(missing, night.environment.code, "comparison", False, why) if missing else None


def _change_of(policy: Policy, track: ExactTrack, night: Night, standing: Standing) -> PendingChange | None:
    """The change that the night's values belong to, with these; None if they are those of the references."""
    if standing.word == "new":
        return new_change(policy, track, night, standing)
    if standing.word == "change" and track.pending is not None:
        return with_tonights(track.pending, night)
    return None


def exact_decision(policy: Policy, earlier: ExactTrack | None, night: Night) -> tuple[ExactTrack, Decision]:
    """The track with the night, and what the night says; the same track if it measured nothing again.

    What was measured decides, not what the policy would have had measured: it may have been another one then.
    """
    if earlier is None or not earlier.references:
        track = ExactTrack.begin(night)
        return track, _decision("filling", policy, track, night)
    standing = standing_of(earlier, night)
    if not standing.word:
        return earlier, _decision("unfinished", policy, earlier, night)
    if not earlier.can_be_filled(policy, night, standing):
        return _begun_again(policy, earlier, night, standing)
    track = earlier.filled(night)
    change = _change_of(policy, track, night, standing)
    track = replace(track, latest=night.environment)
    if change is None:
        return _as_referenced(policy, earlier, track, night)
    return _as_changed(policy, track, _looked_at(policy, track, change), night, standing)


def _begun_again(policy: Policy, earlier: ExactTrack, night: Night, standing: Standing) -> tuple[ExactTrack, Decision]:
    """A pool whose code or data are gone before it is filled gives way to one of tonight's."""
    track = ExactTrack.begin(night)
    change = new_change(policy, earlier, night, standing)
    superseded = _unsettled(earlier.pending)
    decision = _decision("changed", policy, track, night)
    return track, replace(decision, change=change.range, superseded=superseded, begun_again=True, is_news=True)


def _as_referenced(policy: Policy, earlier: ExactTrack, track: ExactTrack, night: Night) -> tuple[ExactTrack, Decision]:
    """A night whose values are those of the references; what had changed is gone."""
    was_whole = not earlier.lacking(policy)
    track = replace(track, pending=None, rotations=earlier.rotations + was_whole)
    reverted = earlier.pending.range if earlier.pending else None
    decision = _decision("unchanged" if was_whole else "filling", policy, track, night)
    return track, replace(decision, reverted=reverted, is_news=reverted is not None)


def _looked_at(policy: Policy, track: ExactTrack, change: PendingChange) -> PendingChange:
    """The change after every look that its seeds have reached; none before the pool is filled."""
    if track.lacking(policy):
        return change
    seeds = change.complete_seeds(policy.arms)
    for place, look in enumerate(policy.looks):
        if change.looked < look <= len(seeds) and not change.is_worse:
            effects = compare_at(policy, Look(policy.looks, place), track.references, change.values, seeds[:look])
            worse = any(effect.is_worse for effect in effects)
            change = replace(change, looked=look, effects=effects, is_worse=worse)
    return change


def _as_changed(
    policy: Policy, track: ExactTrack, change: PendingChange, night: Night, standing: Standing
) -> tuple[ExactTrack, Decision]:
    """A night whose values differ from the references, for the first time or still."""
    before = track.pending
    replaced = before if standing.word == "new" else None
    kind = _kind_of(policy, change, replaced, is_new=standing.word == "new")
    was_said = kind == "not settled" or (replaced is None and before is not None and before.is_worse)
    accepted = kind == "no worse"
    track = track.moved_to(change) if accepted else replace(track, pending=change)
    return track, replace(
        _decision(kind, policy, track, night),
        change=change.range,
        superseded=_unsettled(replaced),
        effects=change.effects,
        seeds=change.looked,
        accepted=accepted,
        is_news=not was_said,
    )


def _kind_of(policy: Policy, change: PendingChange, replaced: PendingChange | None, *, is_new: bool) -> Kind:
    if change.is_worse:
        return "worse"
    if change.looked == policy.looks[-1]:
        return "no worse"
    if _unsettled(replaced) is not None:
        return "superseded"
    return "changed" if is_new else "not settled"


def _unsettled(change: PendingChange | None) -> ChangeRange | None:
    """What was still compared; a change that was called worse is settled."""
    return None if change is None or change.is_worse else change.range


def _decision(kind: Kind, policy: Policy, track: ExactTrack, night: Night) -> Decision:
    filled = len(policy.pool) - len(track.lacking(policy))
    return Decision(kind, night.date, night.environment, references=filled, pool=len(policy.pool))
