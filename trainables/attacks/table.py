"""All attacks and the named sets of them, with one entry each, which everything else reads. Imports no torch.

A further attack is a file of `methods`. Nothing else lists attacks: the study file's names, metrics, costs and the
order of running all come from these entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import trainables.attacks.methods as methods
from trainables.attacks.attack import CUSTOMARY_CLASSES, Attack, Budget
from trainables.datasets.errors import nearest
from trainables.discovery import discover


@dataclass(frozen=True)
class Escalation:
    """Budgets that are run at the end if an attack fools more than the share `above` of all samples.

    Also more than one sample beyond those that the attacks before it fooled: these were too weak for that network.
    `escalations`, by attack: further budgets if these still fool too many.
    """

    above: float
    budgets: Mapping[str, Budget]
    escalations: Mapping[str, Escalation] = field(default_factory=dict)


@dataclass(frozen=True)
class AttackSet:
    """Attacks with fixed budgets that form one evaluation, run cheapest first on what is left standing.

    `escalations`, by the attack whose successes show that a network must not be attacked cheaply.
    """

    name: str
    says: str
    budgets: Mapping[str, Budget]
    escalations: Mapping[str, Escalation] = field(default_factory=dict)


def by_name(entries: Iterable[Any]) -> dict[str, Any]:
    """Entries by their names."""
    return {entry.name: entry for entry in entries}


DOUBTFUL = 0.002
"""What an attack without gradients may find: the margin that AutoAttack leaves Square beyond attacks with gradients."""

UNFINISHED = 0.02
"""What targeted APGD may find beyond a short untargeted one: 1.1 to 1.4 % on GTSRB's and CIFAR-10's STA, where longer
attacks found at most .1 % more, and 4.0 % on MNIST, where they found more."""

STILL_FINDING = 0.001
"""What targeted APGD may find when it is run again at length: at most .1 % on GTSRB and CIFAR-10, where a long Square
found nothing more, and .25 % (an image of 400) on digits, where it found an image in 4 of the quickstart's 14 networks
and none in others; .3 % and .5 % on MNIST, where it found .4 % and 2.4 %."""

LONG_SQUARE = Budget(5_000, rescaled=True)


def _order(attack: Attack) -> tuple[bool, float]:
    return not attack.within_epsilon, attack.cost(attack.budget, CUSTOMARY_CLASSES)


ATTACKS: dict[str, Attack] = by_name(sorted(discover(methods, Attack).values(), key=_order))
"""By name, the cheapest first, as they are listed to users."""

SETS: dict[str, AttackSet] = by_name(
    [
        AttackSet(
            "standard",
            "AutoAttack's four with its budgets",
            {
                "apgd_ce": Budget(100),
                "apgd_t": Budget(100, targets=9),
                "fab_t": Budget(100, targets=9),
                "square": Budget(5_000),
            },
        ),
        AttackSet(
            "quick",
            "a cheap sequence, to be confirmed by standard",
            {"apgd_margin": Budget(20), "apgd_t": Budget(50, targets=7), "square": Budget(200, rescaled=True)},
            escalations={
                "apgd_t": Escalation(
                    UNFINISHED,
                    {"apgd_t": Budget(100, targets=9)},
                    {"apgd_t": Escalation(STILL_FINDING, {"square": LONG_SQUARE})},
                ),
                "square": Escalation(DOUBTFUL, {"square": LONG_SQUARE}),
            },
        ),
    ]
)
"""By name."""

NAMES: tuple[str, ...] = (*ATTACKS, *SETS)
"""The names that `attacks` of a study may list."""


def attack_of(name: str) -> Attack:
    """The entry of an attack; raises `ValueError` with the nearest name for an unknown one."""
    if name not in ATTACKS:
        raise ValueError(f"{name!r} is not an attack; {nearest(name, ATTACKS)}")
    return ATTACKS[name]


def described() -> str:
    """All attacks and sets in a line, for the description of a hyperparameter."""
    attacks = [f"{attack.name}, {attack.says}" for attack in ATTACKS.values()]
    sets = [f"{attack_set.name}, {attack_set.says}" for attack_set in SETS.values()]
    return f"{'; '.join(attacks)}. Sets: {'; '.join(sets)}."
