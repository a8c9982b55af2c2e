"""Run the attacks of the table on a `Problem`: every start and target in turn, each on what is left standing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.attacks.attack import Attack, Budget
from trainables.attacks.objective import BestIterates
from trainables.attacks.problem import Problem
from trainables.attacks.targets import least_likely_class, likeliest_wrong_classes, random_wrong_classes
from trainables.attacks.turns import Run, run_in_turn


@dataclass(frozen=True, eq=False)
class Start:
    """One start of an attack: which of its starts, and the classes aimed at in turn, (N, heads) each, if any."""

    problem: Problem
    attack: Attack
    budget: Budget
    restart: int
    aims: Sequence[Tensor]

    @property
    def turns(self) -> int:
        """The number of its runs."""
        return max(1, len(self.aims))

    def generator(self, turn: int = 0) -> torch.Generator:
        """The random stream of one turn of this start, so that none depends on how many were needed before."""
        return self.problem.draw(f"{self.restart} {turn}" if turn else str(self.restart))

    def best(self) -> BestIterates:
        """The images themselves; those that aren't standing count as fooled, so that an attack skips them."""
        best = BestIterates(self.problem.images.detach().contiguous())
        best.fooled = ~self.problem.standing
        return best

    def take_turns(self, run: Run, draw: Callable[[Tensor, float, torch.Generator], Tensor]) -> Tensor:
        """The images that `run` finds from starts that `draw` draws within ε, for each class aimed at in turn.

        The first start of an attack with a single target continues until that is reached.
        """
        problem, best = self.problem, self.best()
        images = best.images.clone()
        repeated = problem if self.turns == 1 else problem.repeated(self.turns)
        objective = repeated.objective(
            self.attack.loss,
            torch.cat([*self.aims]) if self.aims else None,
            to_target=self.attack.has_target_rate and self.restart == 0 and self.turns == 1,
        )

        def start_of(turn: int) -> Tensor:
            return draw(images, problem.epsilon, self.generator(turn))

        run_in_turn(run, objective, images, start_of, self.turns, best)
        if repeated is not problem:
            problem.record.take_over(repeated.record)
        return best.images


def run_attack(attack: Attack, problem: Problem, budget: Budget) -> Tensor:
    """Run an attack within ε on the samples that are alive; their adversarial images (N, C, H, W) are returned.

    Its results are in `problem.record`; images of samples that it didn't attack are unchanged.
    """
    adversarial = problem.images.clone()
    for restart in range(budget.restarts):
        standing = problem.standing
        if not standing.any():
            break
        aims = list(aims_of(attack, problem, budget, restart))
        adversarial[standing] = attack.run(Start(problem, attack, budget, restart, aims))[standing]
    return adversarial


def aims_of(attack: Attack, problem: Problem, budget: Budget, restart: int) -> Iterator[Tensor]:
    """The wrong classes (N, heads) that a start aims at, one after the other; none for an untargeted attack."""
    if attack.aims is None:
        return
    for target in range(min(budget.targets, problem.classes - 1)):
        place = target if attack.aims == "likely" else restart
        yield torch.stack([_aim(attack, problem, m, place) for m in range(len(problem.clean))], dim=1)


def _aim(attack: Attack, problem: Problem, head: int, place: int) -> Tensor:
    """The wrong class of one head, (N,); heads with fewer classes repeat the first ones."""
    clean, labels = problem.clean[head], problem.labels[:, head]
    if attack.aims == "least_likely":
        return least_likely_class(clean, labels)
    classes = clean.shape[1]
    if attack.aims == "random":
        # the main head's are the same for every threat model
        order = random_wrong_classes(labels, classes, problem.draw(f"classes {head}"))
    else:
        order = likeliest_wrong_classes(clean, labels, classes - 1)
    return order[:, place % (classes - 1)]
