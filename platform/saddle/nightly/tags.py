"""What MLflow gets of a night: tags of every run of the study that the night trained."""

from __future__ import annotations

from saddle.archive.lookup import find_run
from saddle.nightly.bisect import Bisection
from saddle.nightly.decision.decision import Decision
from saddle.nightly.storage import NightlyStorage, Part
from saddle.track.opening import open_tracker, was_tracked
from saddle.trial.run_id import MARK

DELIVERY_SECONDS = 30.0


def tags_of(decision: Decision, part: Part, bisection: Bisection | None) -> dict[str, str]:
    """The night, result, and which change that is about."""
    tags = {
        "saddle.nightly.date": decision.date,
        "saddle.nightly.result": decision.kind,
        "saddle.nightly.purpose": part.purpose,
        "saddle.nightly.code": str(decision.environment.code),
    }
    if decision.change is not None:
        tags["saddle.nightly.changed_since"] = decision.change.first_night
    if bisection is not None and bisection.suspects:
        tags["saddle.nightly.changed_by"] = "; ".join(map(str, bisection.suspects))
    return tags


def tag_part(storage: NightlyStorage, part: Part, decision: Decision, bisection: Bisection | None) -> str | None:
    """Tag the run of a part if MLflow has it; what could not be delivered, in words."""
    stored = find_run(storage.store, f"{storage.study}{MARK}{part.instance}") if part.is_done else None
    if stored is None or not was_tracked(storage.store, stored.run):
        return None
    tracker = open_tracker(storage.store, stored.run, declared=stored.declared)
    tracker.tag_study(tags_of(decision, part, bisection))
    return tracker.close(DELIVERY_SECONDS)
