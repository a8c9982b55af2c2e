"""Attacks of an earlier evaluation of the same network, from which a longer one continues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from trainables.adversarial_training.attacks.attack_plan import PlannedAttack, attack_name
from trainables.adversarial_training.attacks.attacking import Attacked
from trainables.attacks.table import ATTACKS
from trainables.contract import Report

ROUNDING = 0.01
"""The share of clean predictions that may differ, because another machine rounds differently."""


def earlier_attacks(
    report: Report, labels: Tensor, clean: Tensor, planned: Sequence[PlannedAttack]
) -> dict[str, Attacked]:
    """The attacks of an earlier report by their names, in the order in which they ran, as far as they count here.

    `labels`, `clean`: (N,), the network's clean predictions now. What was measured on other samples, within another ε,
    or before attacks were stored with their budgets doesn't count. Where the same name is `planned` with another
    budget, the earlier one keeps its failures under another name, without an accuracy.

    Raises `ValueError` if the clean predictions are another network's.
    """
    facts: Mapping[str, Mapping[str, Any]] = report.fingerprints.get("attacks") or {}
    arrays = {name: torch.as_tensor(array).to(labels.device) for name, array in report.arrays.items()}
    if not facts or not _same_samples(arrays, labels):
        return {}
    _require_same_network(arrays["predictions.clean"], clean)
    radii = {member.attack.norm: member.facts() for member in planned}
    attacked: dict[str, Attacked] = {}
    for name, of_run in sorted(facts.items(), key=lambda item: item[1].get("order", 0)):
        own = {key: value for key, value in of_run.items() if key not in ("order", "escalated")}
        attack = ATTACKS.get(str(own.get("attack")))
        if attack is None or not _same_radius(own, radii.get(attack.norm)):
            continue
        if not attack.within_epsilon and f"l2_norms.{name}" not in arrays:
            continue
        restored = _restored(name, of_run, own, arrays, labels)
        if any(other.name == name and not covers(restored, other) for other in planned):
            attacked[_free(name, attacked, planned)] = _without_accuracy(restored)
        else:
            attacked[name] = restored
    return attacked


def covers(attacked: Attacked, planned: PlannedAttack) -> bool:
    """Whether an attack needn't be run because an earlier one was the same, on as many samples."""
    return dict(attacked.facts) == planned.facts() and (attacked.alone or planned.of_set is not None)


def _same_samples(arrays: Mapping[str, Tensor], labels: Tensor) -> bool:
    stored = arrays.get("labels")
    return stored is not None and stored.shape == labels.shape and bool((stored == labels).all())


def _require_same_network(stored: Tensor, clean: Tensor) -> None:
    differing = float((stored != clean).to(torch.float64).mean())
    if differing > ROUNDING:
        raise ValueError(
            f"the earlier results belong to another network: {differing:.1%} of its predictions of clean images "
            "differ; evaluate the checkpoint that they were measured with"
        )


def _same_radius(facts: Mapping[str, Any], planned: Mapping[str, Any] | None) -> bool:
    """Whether it was measured within the budget of this evaluation: ε, or the L2 budget."""
    return planned is not None and all(facts.get(name) == planned.get(name) for name in ("epsilon", "l2_budget"))


def _restored(
    name: str, of_run: Mapping[str, Any], facts: Mapping[str, Any], arrays: Mapping[str, Tensor], labels: Tensor
) -> Attacked:
    """An attack as it was stored: with its own predictions, or from the worst case and the attack that found it."""
    metric = attack_name(facts["attack"], facts["threat_model"])
    own = arrays.get(f"predictions.{name}")
    if own is not None:
        return Attacked(own, metric, facts, True, arrays.get(f"reached.{name}"), arrays.get(f"l2_norms.{name}"))
    first = arrays["found_by"] == of_run["order"]
    predictions = torch.where(first, arrays["predictions.worst_case"], labels)
    return Attacked(predictions, metric, facts, alone=False, escalated=bool(of_run.get("escalated")))


def _without_accuracy(attacked: Attacked) -> Attacked:
    return Attacked(attacked.predictions, attacked.metric, attacked.facts, alone=False, escalated=attacked.escalated)


def _free(name: str, attacked: Mapping[str, Attacked], planned: Sequence[PlannedAttack]) -> str:
    """A name that neither an earlier attack nor a planned one has: `pgd` becomes `earlier.pgd`."""
    while name in attacked or any(other.name == name for other in planned):
        name = f"earlier.{name}"
    return name
