"""Which attacks a test or a validation runs, in which order and with which budget. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainables.adversarial_training.settings.evaluation import EvaluationSettings, ThreatModel
from trainables.attacks.attack import CUSTOMARY_CLASSES, Attack, Budget
from trainables.attacks.table import ATTACKS, SETS, Escalation, attack_of


def attack_name(attack: str, threat_model: ThreatModel) -> str:
    """The name of an attack's results: `pgd` against the main head, `pgd_all_heads` against all jointly."""
    return attack if threat_model == "main_head" else f"{attack}_{threat_model}"


@dataclass(frozen=True)
class PlannedAttack:
    """An attack with its budget against some heads; `of_set` names the set that it comes with, if it does.

    An attack that a study names itself attacks all samples and has its own accuracy; one that comes with a set
    attacks what is left standing. `escalation`: what is run at the end if it fools too many; `is_escalation`: it is
    such a run.
    """

    attack: Attack
    budget: Budget
    threat_model: ThreatModel
    epsilon: float
    of_set: str | None = None
    escalation: Escalation | None = None
    is_escalation: bool = False

    @property
    def metric(self) -> str:
        """The name of its metrics, `pgd` or `pgd_all_heads`: the same for every set that it comes with."""
        return attack_name(self.attack.name, self.threat_model)

    @property
    def name(self) -> str:
        """The name of this run among all of a test, `pgd` or `standard.apgd_t`."""
        return self.metric if self.of_set is None else f"{self.of_set}.{self.metric}"

    @property
    def may_find(self) -> float:
        """The share of all samples that it may fool without an escalation."""
        return 1.0 if self.escalation is None else self.escalation.above

    def escalated(self, fooled: int, samples: int) -> list[PlannedAttack]:
        """The attacks that the set runs at the end if this one fooled `fooled` of all `samples`."""
        if self.escalation is None or fooled <= max(1, self.escalation.above * samples):
            return []
        of_set = self.of_set if self.is_escalation else f"{self.of_set}_escalated"
        longer = replace(self, of_set=of_set, is_escalation=True)
        further = self.escalation.escalations
        return [
            replace(longer, attack=attack_of(name), budget=budget, escalation=further.get(name))
            for name, budget in self.escalation.budgets.items()
        ]

    def facts(self) -> dict[str, Any]:
        """What its verdicts depend on, as plain values; equal facts mean equal verdicts on the same network."""
        radius = {"epsilon": self.epsilon} if self.attack.within_epsilon else {"l2_budget": self.epsilon}
        return {"attack": self.attack.name, "threat_model": self.threat_model, **radius, **self.budget.as_facts()}


def attacks_taken(config: EvaluationSettings, *, tested: bool) -> list[PlannedAttack]:
    """All declared attacks of a test, or those of a validation, in the order in which they run.

    Attacks that are named individually come first, in their order; then those of sets (see `_order`), without
    those that a study names itself with the same budget. A validation leaves out attacks without an L∞ bound, which
    take hundreds of times as long as PGD, and takes only a set's cheapest attack, with at most `attack_steps`; with
    `validation_attacks` first it takes only the first of all these.
    """
    named = [name for name in config.attacks if name in ATTACKS]
    sets = [name for name in config.attacks if name in SETS]
    if not tested:
        named = [name for name in named if ATTACKS[name].within_epsilon]
        if config.validation_attacks == "first":
            first = next(name for name in config.attacks if name in named or name in sets)
            named, sets = [name for name in named if name == first], [name for name in sets if name == first]
    planned = [
        member for name in named for member in _against_heads(config, attack_of(name), _own_budget(config, name))
    ]
    members = [member for name in sets for member in _members(config, name, tested=tested)]
    for member in sorted(members, key=_order):
        if all(member.facts() != other.facts() for other in planned):
            planned.append(member)
    return planned


def _order(member: PlannedAttack) -> tuple[bool, float, float]:
    """First the sets that may escalate, then the cheapest attacks.

    So whether a set escalates doesn't depend on which other sets run, or ran before. Within a set, an attack that
    should fool fewer samples comes later: if it does fool some, the attacks before it should have.
    """
    escalates = bool(member.of_set and SETS[member.of_set].escalations)
    return not escalates, -member.may_find, member.attack.cost(member.budget, CUSTOMARY_CLASSES)


def _members(config: EvaluationSettings, name: str, *, tested: bool) -> Iterator[PlannedAttack]:
    budgets: Mapping[str, Budget] = SETS[name].budgets
    if not tested:
        cheapest = min(budgets, key=lambda attack: attack_of(attack).cost(budgets[attack], CUSTOMARY_CLASSES))
        budget = budgets[cheapest]
        budgets = {cheapest: replace(budget, steps=min(budget.steps, config.attack_steps))}
    escalations = SETS[name].escalations if tested else {}
    for attack, budget in budgets.items():
        for planned in _against_heads(config, attack_of(attack), budget, of_set=name):
            yield replace(planned, escalation=escalations.get(attack))


def _against_heads(
    config: EvaluationSettings, attack: Attack, budget: Budget, of_set: str | None = None
) -> Iterator[PlannedAttack]:
    # an attack that uses the main head only does the same under every threat model
    threat_models = config.threat_models if attack.joint else ("main_head",)
    radius = config.attack_epsilon if attack.within_epsilon else config.l2_budget
    for threat_model in threat_models:
        yield PlannedAttack(attack, budget, threat_model, radius, of_set)


def _own_budget(config: EvaluationSettings, name: str) -> Budget:
    """The budget of an attack that is named individually, with the study's settings."""
    attack = attack_of(name)
    steps = config.attack_steps if attack.within_epsilon else config.l2_iterations
    return attack.adjusted({"steps": steps, "step_size": config.attack_step_size, "restarts": config.attack_restarts})
