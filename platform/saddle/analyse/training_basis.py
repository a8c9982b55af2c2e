"""What trials were trained with (code, data, environment), and which of a study's trials were trained otherwise.

Of the environment, the versions that numbers may depend on are compared; another patch release of Python counts as the
same. Later measurements of a trial don't count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from saddle.analyse.arms.effect import Effect
from saddle.analyse.arms.paired_values import of_arm
from saddle.analyse.text.formatting import listed, plural
from saddle.design import Arm, labels
from saddle.study.values import canonical
from saddle.trial.outcome import Outcome
from saddle.trial.record import TrialRecord

SOURCES, LIBRARY = "sources", "library"
CODE = (SOURCES, LIBRARY)
"""Checksums: of the trainable's own sources, and of what it shares with other trainables."""
VERSIONS = ("machine", "torch", "torchvision", "numpy")
"""Of the environment; and `python`, of which only the first two numbers count."""
WITH_RESULTS = (Outcome.COMPLETED, Outcome.PRUNED, Outcome.COLLAPSED, Outcome.DIVERGED)
"""Trials that a study's answer rests on."""
MOST_ARMS = 4
"""Arms that are named; with more, only the number of trials is given."""

Basis = Mapping[str, str]
"""What a trial was trained with, by name, such as `sources` or `torch`; what isn't known is absent."""


def with_results(records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """The trials that an answer rests on: those that failed for other reasons than the method are left out."""
    return [record for record in records if record.outcome in WITH_RESULTS]


def basis_of(record: TrialRecord) -> Basis:
    """What a trial was trained with."""
    return basis_of_facts((record.earlier[0] if record.earlier else record.measurement).fingerprints)


def basis_of_facts(facts: Mapping[str, Any]) -> Basis:
    """The same from fingerprints."""
    basis = {name: str(facts[name]) for name in CODE if facts.get(name)}
    if facts.get("data"):
        basis[f"data of {facts.get('dataset')}"] = str(facts["data"])
    environment: Mapping[str, Any] = facts.get("environment") or {}
    if environment.get("python"):
        basis["python"] = ".".join(str(environment["python"]).split(".")[:2])
    return basis | {name: str(environment[name]) for name in VERSIONS if environment.get(name)}


def differing(basis: Basis, other: Basis) -> list[str]:
    """The names of what is known for both and not the same."""
    return [name for name in basis if name in other and basis[name] != other[name]]


def by_value(records: Sequence[TrialRecord]) -> dict[str, dict[str, list[TrialRecord]]]:
    """The trials by what they were trained with: by name, then by value."""
    groups: dict[str, dict[str, list[TrialRecord]]] = {}
    for record in records:
        for name, value in basis_of(record).items():
            groups.setdefault(name, {}).setdefault(value, []).append(record)
    return groups


def whose(records: Sequence[TrialRecord], names: Mapping[str, str]) -> str:
    """`6 trials (sta and mp; seeds 0, 1 and 2)`; `names` are displayed names of arms by the stored ones."""
    displayed = {names.get(record.arm, record.arm) for record in records if record.arm is not None}
    arms = [name for name in dict.fromkeys((*names.values(), *sorted(displayed))) if name in displayed]
    seeds = sorted({record.seed for record in records if record.arm is not None})
    if not arms or len(arms) > MOST_ARMS:
        return plural(len(records), "trial")
    if len(seeds) > MOST_ARMS:
        with_seeds = f"seeds {seeds[0]} to {seeds[-1]}"
    else:
        with_seeds = f"seed{'s' * (len(seeds) > 1)} {listed(map(str, seeds))}"
    return f"{plural(len(records), 'trial')} ({listed(arms)}; {with_seeds})"


def mixed_basis_cautions(records: Sequence[TrialRecord], arms: Sequence[Arm]) -> Iterator[str]:
    """That trials of the study were trained with different code, data or environments, and which with what."""
    names = {
        stored_name: label for arm, label in zip(arms, labels(arms), strict=True) for stored_name in (arm.name, arm.key)
    }
    differences = [
        f"{name} {'; '.join(f'{value}: {whose(group, names)}' for value, group in groups.items())}"
        for name, groups in by_value(with_results(records)).items()
        if len(groups) > 1
    ]
    if differences:
        yield (
            f"Trials of this study were not trained with the same ({'. '.join(differences)}): what differs between them"
            " may be that of the code, the data or the environment."
        )


def with_other_basis(
    effects: Sequence[Effect], arms: Sequence[Arm], records: Sequence[TrialRecord]
) -> tuple[Effect, ...]:
    """The effects, with a reservation where an arm was trained differently from what it is compared with."""
    relevant = with_results(records)
    if not any(len(groups) > 1 for groups in by_value(relevant).values()):
        return tuple(effects)
    of_arms = [_by_place(of_arm(relevant, arm)) for arm in arms]
    unlike = {label: _unlike([of, of_arms[0]]) for label, of in zip(labels(arms), of_arms, strict=True)}
    anywhere = _unlike(of_arms)
    return tuple(_with_reservation(e, unlike.get(e.arm, []) if e.kind == "arm" else anywhere) for e in effects)


def _by_place(records: Sequence[TrialRecord]) -> dict[tuple[int, str], Basis]:
    return {(record.seed, canonical(record.block)): basis_of(record) for record in records}


def _unlike(of_arms: Sequence[Mapping[tuple[int, str], Basis]]) -> list[str]:
    """In what the trials of one seed and block differ."""
    first, *others = of_arms
    names = (
        name
        for other in others
        for place in first.keys() & other.keys()
        for name in differing(first[place], other[place])
    )
    return list(dict.fromkeys(sorted(names)))


def _with_reservation(effect: Effect, names: Sequence[str]) -> Effect:
    if not names:
        return effect
    clause = f"it was trained with other {listed(names)} than what it is compared with, which may be the difference"
    return replace(effect, reservations=(*effect.reservations, clause))
