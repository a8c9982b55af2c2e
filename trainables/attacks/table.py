"""Every attack there is and the named sets of them: one entry for each, which everything else asks. Imports no torch.

A further attack is an entry here and the function that its `runner` names. Nothing else lists attacks: the study
file's names, metrics, costs and the order of running all come from these entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import import_module
from typing import Any, Literal

from trainables.datasets.errors import nearest

Norm = Literal["linf", "l2"]
Loss = Literal["cross_entropy", "margin", "dlr"]
Aims = Literal["random", "least_likely", "likely"]


@dataclass(frozen=True)
class Budget:
    """How long an attack tries; what it has no use for is left at the default.

    `steps`: iterations of a start, or queries of an attack without gradients. `restarts`: starts, each on what those
    before it left standing. `targets`: wrong classes that every start aims at in turn, at most as many as there are;
    0 of an untargeted attack. `step_size`: on pixels in [0, 1]; None where the attack sets its own. `searches`: values
    that an attack tries for a weight of its own, each in `steps` iterations. `rescaled`: the schedule of Square's sizes
    ends with its queries, instead of being that of 10,000.
    """

    steps: int
    restarts: int = 1
    targets: int = 0
    step_size: float | None = None
    searches: int = 1
    rescaled: bool = False

    def as_facts(self) -> dict[str, Any]:
        """What differs from the defaults, as plain values."""
        return {f.name: value for f in fields(self) if (value := asdict(self)[f.name]) != f.default}


@dataclass(frozen=True)
class Attack:
    """An attack: what it is, its usual budget, and the function that runs it.

    `norm`: "linf" ones stay within ε and have a part in the worst case; "l2" ones have a budget of their own.
    `loss`: what is raised, per sample and head. `aims`: the wrong classes that a targeted attack aims at: one drawn
    at random for every start, the least likely one, or the likeliest ones of the clean image in turn. `adjustable`:
    the parts of its budget that a study may set; the others are as published. `weight`: the cost of a step in forward
    passes with the gradient of the images. `joint`: it can attack all heads at once. `runner`: `module:function`.
    """

    name: str
    says: str
    runner: str
    budget: Budget
    norm: Norm = "linf"
    loss: Loss = "cross_entropy"
    aims: Aims | None = None
    adjustable: tuple[str, ...] = ()
    weight: float = 1.0
    joint: bool = True

    @property
    def within_epsilon(self) -> bool:
        """Whether it stays within ε, so that the worst case is over it."""
        return self.norm == "linf"

    @property
    def has_target_rate(self) -> bool:
        """Whether it aims at one class of each image, so that reaching it can be told from fooling at all."""
        return self.aims in ("random", "least_likely")

    def adjusted(self, settings: Mapping[str, Any]) -> Budget:
        """Its budget with what a study may set of it."""
        return replace(self.budget, **{name: settings[name] for name in self.adjustable})

    def cost(self, budget: Budget, classes: int) -> float:
        """Steps on one image that nothing fools, in forward passes with the gradient of the image."""
        targets = min(budget.targets, classes - 1) if budget.targets else 1
        return budget.restarts * targets * budget.searches * budget.steps * self.weight

    def load(self) -> Callable[..., Any]:
        """The function that runs it; imports torch."""
        module, _, function = self.runner.partition(":")
        run: Callable[..., Any] = getattr(import_module(module), function)
        return run


@dataclass(frozen=True)
class AttackSet:
    """Attacks with fixed budgets that together are one evaluation, run cheapest first on what is left standing.

    `escalations`: the budget with which an attack is run again where those before it should have left it nothing, and
    it found more than `DOUBTFUL` all the same: a network whose gradients are masked is not to be attacked cheaply.
    """

    name: str
    says: str
    budgets: Mapping[str, Budget]
    escalations: Mapping[str, Budget] = field(default_factory=dict)


def by_name(entries: Iterable[Any]) -> dict[str, Any]:
    """Entries under their names."""
    return {entry.name: entry for entry in entries}


RUNNERS = "trainables.attacks.runners"
OF_PGD = ("steps", "step_size", "restarts")
"""What a study may set of PGD's budget, in all its forms."""
DOUBTFUL = 0.002
"""The share of all samples, and more than one of them, that an attack may find before it is escalated: the margin by
which AutoAttack lets Square find more than attacks with gradients do."""
FORWARD, FORWARD_TWICE = 0.5, 1.5
"""A forward pass alone costs half of one with the gradient of the images; FAB looks again at where a step has led."""

ATTACKS: dict[str, Attack] = by_name(
    [
        Attack("fgsm", "one step", f"{RUNNERS}:run_fgsm", Budget(1)),
        Attack("pgd", "untargeted", f"{RUNNERS}:run_pgd", Budget(20), adjustable=OF_PGD),
        Attack(
            "pgd_targeted",
            "to a wrong class drawn at random and fixed per image",
            f"{RUNNERS}:run_pgd",
            Budget(20, targets=1),
            aims="random",
            adjustable=OF_PGD,
        ),
        Attack(
            "pgd_least_likely",
            "to the least likely class",
            f"{RUNNERS}:run_pgd",
            Budget(20, targets=1),
            aims="least_likely",
            adjustable=OF_PGD,
        ),
        Attack(
            "cw_linf",
            "PGD on Carlini and Wagner's margin",
            f"{RUNNERS}:run_pgd",
            Budget(20),
            loss="margin",
            adjustable=OF_PGD,
        ),
        Attack(
            "apgd_ce",
            "Auto-PGD, whose step size follows the loss, on the cross-entropy",
            f"{RUNNERS}:run_apgd",
            Budget(100),
            adjustable=("restarts",),
        ),
        Attack(
            "apgd_margin",
            "Auto-PGD on the margin",
            f"{RUNNERS}:run_apgd",
            Budget(100),
            loss="margin",
            adjustable=("restarts",),
        ),
        Attack(
            "apgd_t",
            "Auto-PGD to the nine likeliest wrong classes in turn, on the targeted DLR loss",
            f"{RUNNERS}:run_apgd",
            Budget(100, targets=9),
            loss="dlr",
            aims="likely",
            adjustable=("restarts",),
        ),
        Attack(
            "fab_t",
            "the nearest point of the boundary to each of the nine likeliest wrong classes, of the main head alone",
            f"{RUNNERS}:run_fab",
            Budget(100, targets=9),
            loss="margin",
            aims="likely",
            adjustable=("restarts",),
            weight=FORWARD_TWICE,
            joint=False,
        ),
        Attack(
            "square",
            "random squares, which ask for no gradients",
            f"{RUNNERS}:run_square",
            Budget(5_000),
            loss="margin",
            adjustable=("restarts",),
            weight=FORWARD,
        ),
        Attack(
            "cw_l2",
            "their L2 attack within l2_budget, which the worst case leaves out",
            f"{RUNNERS}:run_cw_l2",
            Budget(100, searches=9),
            norm="l2",
            loss="margin",
            adjustable=("steps",),
        ),
    ]
)
"""By name, in the order in which they are listed to people."""

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
            escalations={"square": Budget(5_000)},
        ),
    ]
)
"""By name."""

NAMES: tuple[str, ...] = (*ATTACKS, *SETS)
"""What `attacks` of a study may list."""


def attack_of(name: str) -> Attack:
    """The entry of an attack; raises `ValueError` with the nearest name for one that isn't there."""
    if name not in ATTACKS:
        raise ValueError(f"{name!r} is no attack; {nearest(name, ATTACKS)}")
    return ATTACKS[name]


def described() -> str:
    """All attacks and sets in a line, for the description of a hyperparameter."""
    attacks = [f"{attack.name}, {attack.says}" for attack in ATTACKS.values()]
    sets = [f"{one.name}, {one.says}" for one in SETS.values()]
    return f"{'; '.join(attacks)}. Sets: {'; '.join(sets)}."
