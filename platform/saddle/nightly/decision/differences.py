"""Whether a replicate measured again is exactly what it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from saddle.nightly.decision.decision import Difference
from saddle.nightly.decision.night import Measurement, Replicate

OUTCOME = "outcome"
"""The name of a difference in how a trial ended."""

Measured = Mapping[Replicate, Measurement]


def differences(reference: Measured, tonight: Measured, replicates: Iterable[Replicate]) -> tuple[Difference, ...]:
    """Every value of these replicates that is not exactly its reference, by seed, arm and metric.

    A metric that only tonight has is new, not different; one that only the reference has is different.
    """
    measured = [each for each in replicates if each in reference and each in tonight]
    ordered = sorted(measured, key=lambda replicate: (replicate.seed, replicate.arm))
    return tuple(difference for each in ordered for difference in _differences_of(each, reference[each], tonight[each]))


def _differences_of(replicate: Replicate, reference: Measurement, tonight: Measurement) -> list[Difference]:
    if reference.outcome != tonight.outcome:
        return [Difference(replicate, OUTCOME, reference.outcome, tonight.outcome)]
    return [
        Difference(replicate, name, value, tonight.metrics.get(name))
        for name, value in sorted(reference.metrics.items())
        if tonight.metrics.get(name) != value
    ]
