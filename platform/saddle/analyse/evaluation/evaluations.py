"""Which evaluation the numbers of trials rest on: only trials that were measured in the same way are compared."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from saddle.analyse.text.formatting import listed, plural, setting, settings
from saddle.design.blocks import shown_block
from saddle.study.values import canonical
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

ATTACKS = "attacks"
"""The setting and the fingerprint that say which attacks a test metric rests on."""

QUICK = "quick"
"""The set of attacks that agrees with the standard one on its calibration data, and proves nothing elsewhere."""
STANDARD = "standard"

NOT_SAID = "not noted"


def latest_evaluation(entries: Iterable[TrialRecord]) -> Mapping[str, Any]:
    """The settings with which trials were measured again last; none if no trial was."""
    again = [entry for entry in entries if entry.measured]
    return max(again, key=lambda entry: entry.measured).evaluation if again else {}


def otherwise_measured(entries: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The completed trials whose test metrics rest on another evaluation than those that were measured last."""
    if not any(entry.measured for entry in entries):
        return []
    wanted = canonical(dict(latest_evaluation(entries)))
    return [
        entry for entry in entries if entry.outcome == Outcome.COMPLETED and canonical(dict(entry.evaluation)) != wanted
    ]


def comparable(entries: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
    """The trials, without the test metrics and arrays of those that were measured otherwise than the last ones."""
    apart = {id(entry) for entry in otherwise_measured(entries)}
    return [_untested(entry) if id(entry) in apart else entry for entry in entries] if apart else entries


def _untested(entry: TrialRecord) -> TrialRecord:
    without_test = {name: value for name, value in entry.metrics.items() if not name.startswith("test/")}
    return replace(entry, measurement=replace(entry.measurement, metrics=without_test, test_last={}, arrays={}))


def evaluation_cautions(run: str, entries: Sequence[TrialRecord], fields: Sequence[str]) -> Iterable[str]:
    """Differences in how trials of a study were measured; `fields`: the trainable's evaluation fields."""
    apart = otherwise_measured(entries)
    if apart:
        evaluation = settings(latest_evaluation(entries).items())
        completed = sum(entry.outcome == Outcome.COMPLETED for entry in entries)
        yield (
            f"{len(apart)} of {plural(completed, 'completed trial')} are not measured again with {evaluation} yet, so"
            f" their test metrics are left out here; saddle evaluate {run} --all measures them."
        )
    left_out = {id(entry) for entry in apart}
    compared = [entry for entry in entries if entry.outcome == Outcome.COMPLETED and id(entry) not in left_out]
    for name in fields:
        yield from _unlike(name, compared)
    yield from _other_attacks(run, fields, compared)


def _unlike(name: str, entries: Sequence[TrialRecord]) -> Iterable[str]:
    """A caution where trials that are compared, in one block, were measured with different values of a field."""
    for block, members in _by_block(entries).items():
        values = {canonical(e.measured_params[name]): e.measured_params[name] for e in members if name in e.params}
        if len(values) > 1:
            where = f" in {block}" if block else ""
            yield (
                f"Trials{where} are measured with different {name} ({listed(map(setting, values.values()))}):"
                " a difference between them may come from the evaluation."
            )
            return


def _other_attacks(run: str, fields: Sequence[str], entries: Sequence[TrialRecord]) -> Iterable[str]:
    """A caution where equal settings stood for different attacks, as in another version of the code."""
    groups: dict[str, dict[str, None]] = {}
    for entry in entries:
        like = canonical([{name: entry.measured_params.get(name) for name in fields}, dict(entry.block)])
        declared = declared_attacks(entry)
        groups.setdefault(like, {})[NOT_SAID if declared is None else declared] = None
    if any(len(attacks) > 1 for attacks in groups.values()):
        yield (
            "Trials with the same evaluation in their settings were measured by different versions of the attacks"
            " (fingerprint attacks): a difference between them may come from the evaluation;"
            f" saddle evaluate {run} --all --anew measures all of them in the same way."
        )


def declared_attacks(entry: TrialRecord) -> str | None:
    """Which attacks with which budgets a trial's test was to run, in canonical form; None if it doesn't say.

    Attacks that ran because of what others found are left out: it is the same evaluation, which found more.
    """
    run = entry.fingerprints.get(ATTACKS)
    if not isinstance(run, Mapping):
        return None if run is None else canonical(run)
    facts = {name: dict(of_run) if isinstance(of_run, Mapping) else of_run for name, of_run in run.items()}
    declared = {
        name: of_run for name, of_run in facts.items() if not (isinstance(of_run, dict) and of_run.get("escalated"))
    }
    return canonical(
        {
            name: {key: value for key, value in of_run.items() if key != "order"}
            if isinstance(of_run, dict)
            else of_run
            for name, of_run in declared.items()
        }
    )


def _by_block(entries: Iterable[TrialRecord]) -> dict[str, list[TrialRecord]]:
    groups: dict[str, list[TrialRecord]] = {}
    for entry in entries:
        groups.setdefault(shown_block(entry.block) if entry.block else "", []).append(entry)
    return groups


def at_quick(entries: Iterable[TrialRecord], metric: Metric) -> str:
    """What a sentence about a robust test accuracy begins with if it rests, for some trial, on the set `quick`."""
    if metric.role != "robust" or metric.split != "test":
        return ""
    sets = [_named(entry) for entry in entries if entry.outcome == Outcome.COMPLETED and metric.name in entry.metrics]
    return "At quick evaluation: " if any(QUICK in names and STANDARD not in names for names in sets) else ""


def _named(entry: TrialRecord) -> tuple[str, ...]:
    names = entry.measured_params.get(ATTACKS, ())
    return (names,) if isinstance(names, str) else tuple(names)


def measured_again(entries: Sequence[TrialRecord]) -> str:
    """With what, and when, test metrics were measured again, as a sentence; empty if none was."""
    again = [entry for entry in entries if entry.measured]
    if not again:
        return ""
    latest = latest_evaluation(entries)
    when = time.strftime("%Y-%m-%d", time.localtime(max(entry.measured for entry in again)))
    before = {
        name: listed(dict.fromkeys(setting(entry.params.get(name)) for entry in again if name in entry.params))
        for name in latest
    }
    present = settings(latest.items()) or "the settings of the training"
    trained = ", ".join(f"{name} = {value}" for name, value in before.items() if value)
    chosen = f"; training, and the choice of checkpoints, had {trained}" if trained else ""
    return f"Test metrics were measured again on {when} with {present}{chosen}."
