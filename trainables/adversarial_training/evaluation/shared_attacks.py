"""Attacks on the samples of a split, shared by the ranks of a trial; their results are put together again.

A sample is attacked by one rank, with the noise that one worker would draw for it: predictions are those of one worker,
and counts are exact, without padding. The attacks themselves need no other rank; the results are summed after each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from trainables.adversarial_training.attacks.attack_plan import PlannedAttack
from trainables.adversarial_training.attacks.attacking import Attacked, attack_samples
from trainables.contract import InProcessRun, Run
from trainables.datasets.sampling.samples import Samples


class SharedAttacks:
    """Attacks for all ranks of a run, each of which attacks every n-th sample (see `own_samples`)."""

    def __init__(self, run: Run | None = None) -> None:
        self.run = run or InProcessRun()

    def attack(
        self,
        planned: PlannedAttack,
        model: nn.Module,
        samples: Samples,
        clean: Sequence[Tensor],
        alive: Tensor | None,
    ) -> Attacked:
        """As `attack_samples`; every rank gets the whole result."""
        if self.run.world_size == 1:
            return attack_samples(planned, model, samples, clean, alive)
        standing = clean[0].argmax(1) == samples.labels[:, 0]
        own = own_samples(standing if alive is None else standing & alive, self.run.rank, self.run.world_size)
        attacked = attack_samples(planned, model, samples, clean, own if alive is None else own & alive)
        reached, norms = attacked.reached, attacked.norms
        return replace(
            attacked,
            predictions=self.run.total(torch.where(own, attacked.predictions, 0)),
            reached=None if reached is None else self.run.total((own & reached).to(torch.int64)) > 0,
            norms=None if norms is None else self.run.total(torch.where(own, norms, 0)),
        )


def own_samples(standing: Tensor, rank: int, ranks: int) -> Tensor:
    """Which samples, (N,) bool, a rank attacks: every n-th of those `standing`, (N,) bool, and of the others.

    Those that stand take nearly all the time. Counted together with the others, they might all go to one rank: in many
    datasets classes take turns, and a network that knows one class only is right at every tenth sample.
    """
    number = torch.where(standing, standing.cumsum(0), (~standing).cumsum(0))
    return number % ranks == rank
