"""Robust accuracies above clean accuracy: an attack can't help a network, so something is wrong with one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from saddle.analyse.text.formatting import Scale, listed, plural
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

CLEAN = "clean_accuracy"
ROBUST = "robust_accuracy"
WORST_CASE = "worst_case"
ABOVE_CLEAN = "robust_above_clean"
SAMPLES = "samples"
UNCOUNTED = 100
"""Images that are assumed of a split which doesn't say how many it has."""
NAMED = 3
"""Arms or trials that the caution names; of more it gives the number."""


def above_clean(groups: Mapping[str, Sequence[TrialRecord]]) -> Iterable[str]:
    """A caution for each attack under which some completed trial is more accurate than on clean data.

    `groups`: the trials of each arm by its name, or each trial of a search by its own. The selected checkpoint counts
    and, on test data, the last one.
    """
    found: dict[str, dict[str, list[float]]] = {}
    completed = {
        name: [entry for entry in entries if entry.outcome == Outcome.COMPLETED] for name, entries in groups.items()
    }
    for name, entries in completed.items():
        for entry in entries:
            for attack, excess in largest_excesses(entry).items():
                found.setdefault(attack, {}).setdefault(name, []).append(excess)
    for attack, by_name in found.items():
        largest = max(excess for excesses in by_name.values() for excess in excesses)
        ordered = sorted(by_name, key=lambda name: -max(by_name[name]))
        where = [_place(name, len(by_name[name]), len(completed[name])) for name in ordered[:NAMED]]
        if len(ordered) > NAMED:
            where.append(f"{len(ordered) - NAMED} more")
        yield (
            f"Accuracy under {attack} is above clean accuracy, by up to"
            f" {Scale.of(CLEAN, [largest]).difference(largest).lstrip('+')} ({listed(where)}): the attack is broken,"
            " or the network fits attacked data only. Such an accuracy is no robustness."
        )


def largest_excesses(entry: TrialRecord) -> dict[str, float]:
    """Attack → by how much its accuracy is above the clean one, where it is; the larger of all splits."""
    found: dict[str, float] = {}
    for attack, excess in (*_excesses(entry.metrics), *_excesses(entry.test_last)):
        if excess > 1e-9:
            found[attack] = max(excess, found.get(attack, 0.0))
    return found


def more_accurate_attacked(entry: TrialRecord) -> Iterable[str]:
    """A reason against a trial for each attack under which it is more accurate than on clean data, beyond one image."""
    found: dict[str, float] = {}
    for metrics in (entry.metrics, entry.test_last):
        for split in ("validation", "test"):
            one_image = 1 / (metrics.get(f"{split}/{SAMPLES}") or UNCOUNTED)
            of_split = {name: value for name, value in metrics.items() if name.startswith(f"{split}/")}
            for attack, excess in _excesses(of_split):
                if excess > one_image + 1e-9:
                    found[attack] = max(excess, found.get(attack, 0.0))
    for attack, excess in found.items():
        size = Scale.of(CLEAN, [excess]).difference(excess).lstrip("+")
        yield f"is more accurate under {attack} than on clean data, by {size}"


def _excesses(metrics: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    for metric, value in metrics.items():
        split, _, name = metric.rpartition("/")
        start, _, attack = name.partition(".")
        clean = metrics.get(f"{split}/{CLEAN}")
        # the worst case includes clean data, and the ends of its interval are no accuracies
        if start == ROBUST and not attack.startswith(WORST_CASE) and clean is not None:
            yield attack or "attack", value - clean
        # the trainable's own finding, which counts where no accuracy of a single attack shows it
        if name == ABOVE_CLEAN and not any(_is_single(other, split) for other in metrics):
            yield "an attack", value


def _is_single(metric: str, split: str) -> bool:
    """Whether a metric is a split's accuracy under one attack."""
    return metric.startswith(f"{split}/{ROBUST}.") and not metric.startswith(f"{split}/{ROBUST}.{WORST_CASE}")


def _place(name: str, above: int, trials: int) -> str:
    return f"{name} with {above} of {plural(trials, 'seed')}" if trials > 1 else name
