"""Whether the training has collapsed: D recognises every counterfactual, and G no longer finds valid ones.

D's accuracy doesn't show it (methods.md, 9): with eq. 2 as printed it stayed at 93 % while every counterfactual
was recognised.
"""

from __future__ import annotations

from collections.abc import Mapping

from trainables.counterfactual_gan.config import Config


def alarm(config: Config, metrics: Mapping[str, float], split: str = "validation") -> str | None:
    """What is wrong after an epoch, in words; None if nothing is wrong."""
    p_fake = metrics[f"{split}/p_fake.generated"]
    if p_fake <= config.collapse_p_fake:
        return None
    signs = []
    worst = metrics[f"{split}/validity.worst_direction"]
    if worst < config.collapse_validity:
        signs.append(f"{worst:.0%} of the counterfactuals of one class pass for the other")
    saturated = metrics[f"{split}/saturation"]
    if saturated > config.collapse_saturation:
        signs.append(f"{saturated:.0%} of their pixels were driven to black or white")
    diversity = metrics[f"{split}/diversity"]
    if diversity < config.collapse_diversity:
        signs.append(f"their spread is {diversity:.2f} of that of the images")
    change = metrics[f"{split}/change"]
    if change < config.collapse_change:
        signs.append(f"G changes a pixel by {change:.2g} on average")
    return f"mean p_fake of G(x) is {p_fake:.3f}, and {'; '.join(signs)}" if signs else None


class Watch:
    """Counts the epochs in a row that the alarm lasts; `lasted` is its whole state."""

    def __init__(self, config: Config, lasted: int = 0) -> None:
        self.config, self.lasted = config, lasted

    def verdict(self, metrics: Mapping[str, float], epoch: int) -> str | None:
        """Why training has collapsed after `epoch` epochs, or None; always None during the grace period."""
        why = alarm(self.config, metrics) if self.config.adversarial else None
        self.lasted = self.lasted + 1 if why else 0
        if why is None or epoch < self.config.collapse_grace * self.config.epochs:
            return None
        if self.lasted < self.config.collapse_epochs:
            return None
        return f"{why}; for {self.lasted} epochs"
