"""From how a trial went to its ledger entry, and to a line about it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from saddle.analyse.badge import reasons_against
from saddle.analyse.text.formatting import listed
from saddle.design.blocks import replicate_name
from saddle.store.checkpoints import Checkpoints
from saddle.study.declarations import Declarations
from saddle.trial.messages import EndMessage, finite
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from saddle.trial.source import Proposal
from trainables.contract import Resolved


@dataclass(frozen=True)
class UnderWay:
    """A trial between its order and its end."""

    proposal: Proposal
    resolved: Resolved
    started: float
    attempt: int = 0
    """The latest one that was heard of."""


def make_entry(
    study: str, trial: UnderWay, end: EndMessage, checkpoints: Checkpoints, fingerprints: Mapping[str, Any]
) -> TrialRecord:
    """The entry of a trial that ended; one that did not complete has the metrics of its best epoch."""
    manifest, curve = checkpoints.manifest, checkpoints.curve()
    best, last = manifest.best, manifest.last
    metrics = finite(end.metrics)
    if not metrics and best is not None:
        metrics = finite(manifest.best_metrics)
    return TrialRecord(
        key=end.key,
        study=study,
        seed=trial.proposal.seed,
        outcome=end.outcome,
        params=trial.resolved.config.model_dump(mode="json"),
        settings=dict(trial.proposal.settings),
        metrics=metrics,
        arm=trial.proposal.arm,
        block=dict(trial.proposal.block),
        number=trial.proposal.number,
        why=end.why,
        test_last=finite(end.test_last),
        curve=[finite(epoch) for epoch in curve.metrics],
        times=list(curve.times),
        selected_epoch=best.epoch if best else None,
        epochs=manifest.epochs,
        seconds=manifest.seconds,
        attempts=max(1, manifest.attempts),
        started=manifest.started or trial.started,
        ended=time.time(),
        arrays=dict(end.arrays),
        images=dict(end.images),
        checkpoints={name: saved.path for name, saved in (("best", best), ("last", last)) if saved},
        sources=dict(trial.resolved.sources),
        fingerprints={**fingerprints, **end.fingerprints, "seed": trial.proposal.seed},
    )


def refused_entry(
    study: str, proposal: Proposal, given: Mapping[str, Any], why: str, now: float, fingerprints: Mapping[str, Any]
) -> TrialRecord:
    """The entry of a trial whose values the trainable refuses together; nothing was trained."""
    return TrialRecord(
        key=proposal.key,
        study=study,
        seed=proposal.seed,
        outcome=str(Outcome.FAILED),
        params=dict(given),
        settings=dict(proposal.settings),
        metrics={},
        arm=proposal.arm,
        block=dict(proposal.block),
        number=proposal.number,
        why=why,
        started=now,
        ended=now,
        fingerprints=dict(fingerprints),
    )


def describe(entry: TrialRecord, metric: str, declared: Declarations) -> str:
    """An ended trial in a line."""
    value = entry.metrics.get(metric)
    settings = ", ".join(f"{n}={v:.3g}" if isinstance(v, float) else f"{n}={v}" for n, v in entry.settings.items())
    name = f"{entry.key} ({settings})" if entry.arm is None else replicate_name(entry.arm, entry.seed, entry.block)
    measured = f"{metric} {value:.3f}, " if value is not None else ""
    expected = Outcome(entry.outcome) in (Outcome.COMPLETED, Outcome.PRUNED)
    why = "".join(f"; {line}" for line in entry.why.strip().splitlines()[-1:] if not expected)
    epochs = f"{entry.epochs} epoch{'s' * (entry.epochs != 1)}"
    flags = reasons_against(entry, declared) if entry.outcome == Outcome.COMPLETED else ()
    flagged = f"; flagged, as it {listed(flags)}" if flags else ""
    return f"{name}: {entry.outcome}, {measured}{epochs} in {entry.seconds:.1f} s{why}{flagged}"
