"""Robust accuracies above clean accuracy: an attack can't help a network, so something is wrong with one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from saddle.analyse.text.formatting import Scale, listed, plural
from saddle.study.trainable.declarations import Declarations
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord
from trainables.contract import Metric

SHARE = Metric("maximize", unit="fraction")
"""The unit of accuracies and of differences between them."""
UNCOUNTED = 100
"""The number of images assumed for a split that doesn't state how many it has."""
NAMED = 3
"""Arms or trials that the caution names; further ones are counted."""


def above_clean(groups: Mapping[str, Sequence[TrialRecord]], declared: Declarations) -> Iterable[str]:
    """A caution for each attack under which some completed trial is more accurate than on clean data.

    `groups`: the trials of each arm by its name, or each trial of a search by its own. The selected checkpoint counts
    and, on test data, the last one.
    """
    by_attack: dict[str, dict[str, list[float]]] = {}
    completed = {
        name: [entry for entry in entries if entry.outcome == Outcome.COMPLETED] for name, entries in groups.items()
    }
    for name, entries in completed.items():
        for entry in entries:
            for attack, excess in largest_excesses(entry, declared).items():
                by_attack.setdefault(attack, {}).setdefault(name, []).append(excess)
    for attack, by_name in by_attack.items():
        largest = max(excess for excesses in by_name.values() for excess in excesses)
        ordered = sorted(by_name, key=lambda name: -max(by_name[name]))
        where = [_place(name, len(by_name[name]), len(completed[name])) for name in ordered[:NAMED]]
        if len(ordered) > NAMED:
            where.append(f"{len(ordered) - NAMED} more")
        yield (
            f"Accuracy under {attack} is above clean accuracy, by up to"
            f" {Scale.of(SHARE, [largest]).difference(largest).lstrip('+')} ({listed(where)}): the attack is broken,"
            " or the network fits attacked data only. Such an accuracy does not show robustness."
        )


def largest_excesses(entry: TrialRecord, declared: Declarations) -> dict[str, float]:
    """Attack → by how much its accuracy is above the clean one, if it is; the larger of all splits."""
    values: dict[str, float] = {}
    for attack, excess in (*_excesses(entry.metrics, declared), *_excesses(entry.test_last, declared)):
        if excess > 1e-9:
            values[attack] = max(excess, values.get(attack, 0.0))
    return values


def more_accurate_attacked(entry: TrialRecord, declared: Declarations) -> Iterable[str]:
    """A reason against a trial for each attack under which it is more accurate than on clean data, beyond one image."""
    values: dict[str, float] = {}
    for metrics in (entry.metrics, entry.test_last):
        for split in ("validation", "test"):
            of_split = {name: value for name, value in metrics.items() if name.startswith(f"{split}/")}
            samples = sum(metrics[metric.name] for metric in declared.in_role("samples", of_split)[:1])
            one_image = 1 / (samples or UNCOUNTED)
            for attack, excess in _excesses(of_split, declared):
                if excess > one_image + 1e-9:
                    values[attack] = max(excess, values.get(attack, 0.0))
    for attack, excess in values.items():
        size = Scale.of(SHARE, [excess]).difference(excess).lstrip("+")
        yield f"is more accurate under {attack} than on clean data, by {size}"


def _excesses(metrics: Mapping[str, float], declared: Declarations) -> Iterator[tuple[str, float]]:
    declared_values = [(declared.metric(name), value) for name, value in metrics.items()]
    single = [(metric, value) for metric, value in declared_values if metric.role == "robust" and not metric.worst_case]
    for metric, value in single:  # the worst case includes clean data
        if metric.clean in metrics:
            yield metric.attack or "attack", value - metrics[metric.clean]
    for metric, value in declared_values:
        # the trainable's own finding, which counts where no accuracy of a single attack shows it
        if metric.role == "excess" and all(other.split != metric.split for other, _ in single):
            yield "an attack", value


def _place(name: str, above: int, trials: int) -> str:
    return f"{name} with {above} of {plural(trials, 'seed')}" if trials > 1 else name
