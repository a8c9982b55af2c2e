"""A network's predictions on N samples, clean and attacked, and the metrics and arrays that are stored of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from trainables.adversarial_training.attacks.attacking import Attacked

ROBUST, MISCLASSIFIED = -1, 0
"""In `found_by`: nothing fooled the network, or it was wrong when clean."""


@dataclass(frozen=True, eq=False)
class Measured:
    """Predictions of the main task on N samples, clean (N,) and under every attack by its name, in order of running.

    `within`: attacks within ε, whose worst case counts. `beyond`: those without an L∞ bound (`cw_l2`).
    `auxiliary`: accuracy on clean images, averaged over the auxiliary tasks; None without any.
    """

    labels: Tensor
    clean: Tensor
    within: Mapping[str, Attacked]
    beyond: Mapping[str, Attacked] = field(default_factory=dict)
    auxiliary: float | None = None

    @property
    def worst(self) -> Tensor:
        """A wrong prediction of each sample, clean or under an attack within ε, where there is one, (N,)."""
        predictions = self.clean
        for attacked in self.within.values():
            predictions = torch.where(predictions == self.labels, attacked.predictions, predictions)
        return predictions

    @property
    def survived(self) -> Tensor:
        """Which samples, (N,) bool, are right when clean and under every attack within ε."""
        return self.worst == self.labels

    @property
    def found_by(self) -> Tensor:
        """What fooled each sample first, (N,) int16: -1 nothing, 0 it is wrong when clean, k the k-th attack run."""
        first_attack = torch.full_like(self.labels, ROBUST, dtype=torch.int16)
        first_attack[self.clean != self.labels] = MISCLASSIFIED
        for order, attacked in enumerate(self.within.values(), start=1):
            first_attack[(first_attack == ROBUST) & (attacked.predictions != self.labels)] = order
        return first_attack

    def metrics(self, split: str) -> dict[str, float]:
        """The accuracies, named with their split.

        `robust_above_clean` is how much an attack's accuracy exceeds the clean one, 0 if none does: such an
        attack is broken, or the network fits attacked images only. `failures_found` is each attack's share of the
        samples that are right when clean and fooled by any: those that it fooled first.
        """
        clean = _share(self.clean == self.labels)
        alone = [attacked for attacked in (*self.within.values(), *self.beyond.values()) if attacked.alone]
        robust = {attacked.metric: _share(attacked.predictions == self.labels) for attacked in alone}
        metrics = {f"{split}/clean_accuracy": clean}
        metrics |= {f"{split}/robust_accuracy.{name}": accuracy for name, accuracy in robust.items()}
        metrics[f"{split}/robust_accuracy.worst_case"] = _share(self.survived)
        metrics[f"{split}/balanced_accuracy"] = (clean + metrics[f"{split}/robust_accuracy.worst_case"]) / 2
        metrics[f"{split}/robust_above_clean"] = max(0.0, max(robust.values(), default=0.0) - clean)
        metrics |= {f"{split}/failures_found.{name}": share for name, share in self._shares_found().items()}
        for attacked in alone:
            if attacked.reached is not None:
                metrics[f"{split}/target_rate.{attacked.metric}"] = _share(attacked.reached)
            if attacked.norms is not None:
                changed = attacked.norms[(attacked.norms > 0) & attacked.norms.isfinite()]
                if len(changed):
                    metrics[f"{split}/{attacked.metric}_median_norm"] = float(changed.median())
        if self.auxiliary is not None:
            metrics[f"{split}/auxiliary_accuracy"] = self.auxiliary
        return metrics

    def arrays(self) -> dict[str, Tensor]:
        """Labels, predictions and what fooled each sample first."""
        attacks = {**self.within, **self.beyond}
        named = {"clean": self.clean} | {
            name: attacked.predictions for name, attacked in attacks.items() if attacked.alone
        }
        arrays = {"labels": self.labels} | {f"predictions.{name}": array for name, array in named.items()}
        arrays |= {"predictions.worst_case": self.worst, "found_by": self.found_by}
        arrays |= {
            f"reached.{name}": attacked.reached for name, attacked in attacks.items() if attacked.reached is not None
        }
        return arrays | {
            f"l2_norms.{name}": attacked.norms for name, attacked in attacks.items() if attacked.norms is not None
        }

    def facts(self) -> dict[str, Any]:
        """Every attack with its budget by its name, and its number in `found_by`.

        An `escalated` one ran because of what another found, so that equal evaluations may differ in it.
        """
        order = {name: number for number, name in enumerate(self.within, start=1)}
        return {
            name: {
                **attacked.facts,
                **({"order": order[name]} if name in order else {}),
                **({"escalated": True} if attacked.escalated else {}),
            }
            for name, attacked in {**self.within, **self.beyond}.items()
        }

    def _shares_found(self) -> dict[str, float]:
        """Metric → share of the failures of samples that are right when clean; several runs of an attack sum up."""
        found_by = self.found_by
        failures = max(1, int((found_by > MISCLASSIFIED).sum()))
        shares: dict[str, float] = {}
        for order, attacked in enumerate(self.within.values(), start=1):
            shares[attacked.metric] = shares.get(attacked.metric, 0.0) + int((found_by == order).sum()) / failures
        return shares


def _share(right: Tensor) -> float:
    return float(right.to(torch.float64).mean())
