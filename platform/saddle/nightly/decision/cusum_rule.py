"""Nights of a machine on which the same seed gives different values, such as a GPU: fresh seeds, and a CUSUM over them.

One canary seed of every arm is trained on a CPU in addition: it shows that something changed, and between which
commits, though not whether it is worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from saddle.analyse.statistics.sequential.cusum import alarm_limit
from saddle.nightly.decision.decision import ChangeRange, Decision, Difference, Kind, MetricEffect
from saddle.nightly.decision.differences import differences
from saddle.nightly.decision.night import Environment, Measurement, Night, Replicate
from saddle.nightly.decision.policy import Policy
from saddle.nightly.decision.streams import Batch, Stream
from saddle.nightly.decision.work import Work

StreamKey = tuple[str, str]
"""An arm and a metric."""


@dataclass(frozen=True)
class FreshTrack:
    """The nights of one host so far: a stream for every arm and metric, and the canary's values.

    `used`: how many fresh seeds were trained. `log`: the nights since the streams began, with what they ran with.
    `alarm`: the change that the alarm names, while there is one.
    """

    streams: Mapping[StreamKey, Stream]
    used: int = 0
    canary: Mapping[Replicate, Measurement] = field(default_factory=dict)
    log: tuple[tuple[str, Environment], ...] = ()
    alarm: ChangeRange | None = None

    @classmethod
    def begin(cls, policy: Policy, used: int = 0) -> FreshTrack:
        """One that has seen no night."""
        return cls({(arm, each.metric): Stream(each) for arm in policy.arms for each in policy.watched}, used)

    @property
    def alarming(self) -> frozenset[StreamKey]:
        """Those that are reported as worse."""
        return frozenset(key for key, stream in self.streams.items() if stream.alarms)

    def fresh_seeds(self, policy: Policy) -> tuple[int, ...]:
        """Tonight's, which no night had before; the pool's first seed is the canary's."""
        begin = policy.seeds[0] + 1 + self.used
        return tuple(range(begin, begin + policy.rotation))


def cusum_work(policy: Policy, earlier: FreshTrack | None, night: Night) -> Work | None:
    """What the night is to train next; None if it is done."""
    track = earlier or FreshTrack.begin(policy)
    canaries, fresh = night.measured("canary"), night.measured("rotation")
    missing = tuple(each for each in policy.replicates(policy.seeds[:1]) if each not in canaries)
    if missing:
        return Work(missing, night.environment.code, "canary", True, "on a CPU, for exact changes")
    missing = tuple(each for each in policy.replicates(track.fresh_seeds(policy)) if each not in fresh)
    return Work(missing, night.environment.code, "rotation", True, "fresh seeds") if missing else None


def limit_of(policy: Policy) -> float:
    """The sum beyond which a stream alarms: any of them does falsely in a month with the chance of the policy."""
    return alarm_limit(policy.comparisons, policy.monthly)


def cusum_decision(policy: Policy, earlier: FreshTrack | None, night: Night) -> tuple[FreshTrack, Decision]:
    """The track with the night, and what the night says; measurements decide, whichever policy asked for them."""
    track = earlier or FreshTrack.begin(policy)
    batches = {key: _batch(night, key) for key in track.streams}
    streams = {key: stream.after(batches[key], limit_of(policy)) for key, stream in track.streams.items()}
    canary = night.measured("canary")
    canary_differences = differences(track.canary, canary, track.canary)
    now = replace(
        track,
        streams=streams,
        used=track.used + len({each.seed for each in night.measured("rotation")}),
        canary=canary,
        log=(*track.log, (night.date, night.environment)),
    )
    now = replace(now, alarm=_alarm(track, now))
    return now, _said(policy, track, now, night, canary_differences, _effects(track, now, batches))


def _said(
    policy: Policy,
    track: FreshTrack,
    now: FreshTrack,
    night: Night,
    shown: tuple[Difference, ...],
    effects: tuple[MetricEffect, ...],
) -> Decision:
    """The decision: an alarm first, else what the canary shows."""
    change = _canary_change(track, night, shown) if shown else None
    kind: Kind = "changed" if change else "unchanged"
    if not all(stream.has_references for stream in track.streams.values()):
        kind = "changed" if change else "filling"
    if now.alarm is not None:
        kind, change = "worse", now.alarm
    return Decision(
        kind,
        night.date,
        night.environment,
        change=change,
        reverted=track.alarm if now.alarm is None else None,
        effects=effects,
        seeds=len({each.seed for each in night.measured("rotation")}),
        is_news=kind == "changed" or now.alarming != track.alarming,
    )


def _canary_change(track: FreshTrack, night: Night, shown: tuple[Difference, ...]) -> ChangeRange:
    _, before = track.log[-1]
    return ChangeRange(night.date, before, night.environment, night.environment.changes_from(before), shown)


def _alarm(track: FreshTrack, now: FreshTrack) -> ChangeRange | None:
    """The change between the last night before the sum began to rise, the earliest of several, and that of the alarm.

    Chance may have made it rise a night or two earlier, so that the range is a safe one, not the narrowest.
    """
    rising = [stream.rising for stream in now.streams.values() if stream.alarms]
    if not rising:
        return None
    if track.alarm is not None:
        return track.alarm
    first = max(1, len(now.log) - max(rising))
    (_, before), (date, _) = now.log[first - 1], now.log[first]
    _, after = now.log[-1]
    return ChangeRange(date, before, after, after.changes_from(before))


def _effects(track: FreshTrack, now: FreshTrack, batches: Mapping[StreamKey, Batch]) -> tuple[MetricEffect, ...]:
    """Tonight's mean against earlier ones, for every stream."""
    return tuple(
        MetricEffect(
            *key,
            seeds=len(batches[key]),
            mean=track.streams[key].shift(batches[key]),
            interval=None,
            is_worse=now.streams[key].alarms,
            failed=(_failures(track.streams[key].batches), _failures([batches[key]])),
            cusum=now.streams[key].sum,
        )
        for key in sorted(batches)
    )


def _failures(batches: Iterable[Batch]) -> int:
    return sum(value is None for batch in batches for value in batch)


def _batch(night: Night, key: StreamKey) -> Batch:
    """The night's values of a stream; None for a replicate that failed or whose metric was not a finite value."""
    arm, metric = key
    fresh = night.measured("rotation")
    measured = [fresh[each] for each in sorted(fresh) if each.arm == arm]
    return tuple(None if each.has_failed else each.metrics.get(metric) for each in measured)


def accepted_from(track: FreshTrack, nights: Sequence[Night]) -> FreshTrack:
    """The track whose streams begin with these nights, their sums at 0."""
    streams = {
        key: Stream(stream.watched, tuple(_batch(night, key) for night in nights))
        for key, stream in track.streams.items()
    }
    log = tuple((night.date, night.environment) for night in nights)
    return replace(track, streams=streams, log=log, alarm=None)
