"""The attacks of the table on a `Problem`: every start and target in turn, each on what is left standing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from trainables.attacks.apgd import climb, random_surface_point
from trainables.attacks.cw_l2 import SmallestPerturbation, cw_l2
from trainables.attacks.fab import approach, random_start
from trainables.attacks.losses import targeted_margin
from trainables.attacks.margin import margin
from trainables.attacks.objective import (
    BestIterates,
    Objective,
    in_memory_order,
    judge,
    judge_with_gradient,
    targeted,
)
from trainables.attacks.problem import Problem
from trainables.attacks.sign_pgd import ascend, uniform_point
from trainables.attacks.square import draw_squares, search
from trainables.attacks.table import Attack, Budget
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
        """How many runs it takes."""
        return max(1, len(self.aims))

    def generator(self, turn: int = 0) -> torch.Generator:
        """The random stream of one turn of this start alone, so that none depends on how many were needed before."""
        return self.problem.draw(f"{self.restart} {turn}" if turn else str(self.restart))

    def best(self) -> BestIterates:
        """The images themselves; those that aren't standing count as fooled, so that an attack leaves them alone."""
        best = BestIterates(in_memory_order(self.problem.images))
        best.fooled = ~self.problem.standing
        return best

    def take_turns(self, run: Run, draw: Callable[[Tensor, float, torch.Generator], Tensor]) -> Tensor:
        """The images that `run` finds from points which `draw` draws within ε, for each class aimed at in turn.

        The first start of an attack with a single target goes on until that is reached.
        """
        problem, best = self.problem, self.best()
        images = best.images.clone()
        asked = problem if self.turns == 1 else problem.repeated(self.turns)
        objective = asked.objective(
            self.attack.loss,
            torch.cat([*self.aims]) if self.aims else None,
            to_target=self.attack.has_target_rate and self.restart == 0 and self.turns == 1,
        )

        def start_of(turn: int) -> Tensor:
            return draw(images, problem.epsilon, self.generator(turn))

        run_in_turn(run, objective, images, start_of, self.turns, best)
        if asked is not problem:
            problem.record.take_over(asked.record)
        return best.images


def run_attack(attack: Attack, problem: Problem, budget: Budget) -> Tensor:
    """Run an attack within ε on the samples that are alive; their adversarial images (N, C, H, W) are returned.

    What it did is in `problem.record`; images of samples that it didn't attack are as they were.
    """
    run = attack.load()
    adversarial = problem.images.clone()
    for restart in range(budget.restarts):
        standing = problem.standing
        if not standing.any():
            break
        aims = list(aims_of(attack, problem, budget, restart))
        adversarial[standing] = run(Start(problem, attack, budget, restart, aims))[standing]
    return adversarial


def run_pgd(start: Start) -> Tensor:
    """Sign-PGD from a random point of the ε-box."""
    budget = start.budget
    assert budget.step_size is not None
    run = partial(ascend, epsilon=start.problem.epsilon, step_size=budget.step_size, steps=budget.steps)
    return start.take_turns(run, uniform_point)


def run_fgsm(start: Start) -> Tensor:
    """One step of size ε from the images themselves, which don't count: they aren't attacked yet."""
    problem, best = start.problem, start.best()
    images, which = best.images.clone(), best.left()
    unnoted = problem.objective(start.attack.loss, noted=False)
    _, gradient = judge_with_gradient(unnoted, images[which], which)
    stepped = images[which].add_(gradient.sign_(), alpha=problem.epsilon).clamp_(0, 1)
    best.update(which, stepped, judge(problem.objective(start.attack.loss), stepped, which))
    return best.images


def run_apgd(start: Start) -> Tensor:
    """Auto-PGD, whose step size follows the loss, from a random point on the surface of the ε-box."""
    run = partial(climb, epsilon=start.problem.epsilon, iterations=start.budget.steps)
    return start.take_turns(run, random_surface_point)


def run_square(start: Start) -> Tensor:
    """Square, which asks for no gradients, from vertical stripes; its steps are queries."""
    problem, best, budget = start.problem, start.best(), start.budget
    draws = draw_squares(best.images, budget.steps, start.generator(), rescaled=budget.rescaled)
    search(problem.objective(start.attack.loss), best.images.clone(), problem.epsilon, draws, best)
    return best.images


def run_fab(start: Start) -> Tensor:
    """FAB-T against the main head, from the images themselves and, in further starts, from random points.

    It leaves the ε-box on its way, so that what it asks on the way isn't noted: only what it found within ε is.
    """
    problem, best, standing = start.problem, start.best(), start.problem.standing
    images = best.images.clone()

    def start_of(turn: int) -> Tensor:
        return random_start(images, problem.epsilon, start.generator(turn)) if start.restart else images

    run = partial(approach, epsilon=problem.epsilon, iterations=start.budget.steps)
    run_in_turn(run, _towards(problem, start.aims), images, start_of, start.turns, best)
    which = (best.fooled & standing).nonzero().squeeze(1)
    if len(which):
        with torch.no_grad():
            problem.record.note(problem.heads_of(best.images[which])[0].argmax(1), which)
    return best.images


def _towards(problem: Problem, aims: Sequence[Tensor]) -> Objective:
    """The margin of the main head's targets, turn by turn, noted nowhere."""
    labels, targets = problem.labels[:, 0].repeat(len(aims)), torch.cat([turn[:, 0] for turn in aims])
    return targeted(lambda images: problem.heads_of(images)[0], labels, targets, targeted_margin)


def run_cw_l2(problem: Problem, budget: Budget) -> SmallestPerturbation:
    """Carlini and Wagner's L2 attack; against all heads it raises every head's margin, and fools by the main one."""

    def margins_of(adversarial: Tensor, which: Tensor) -> Tensor:
        logits = problem.heads_of(adversarial)
        return torch.stack([margin(head, problem.labels[which, m]) for m, head in enumerate(logits)], dim=1)

    return cw_l2(margins_of, problem.images, iterations=budget.steps, search_steps=budget.searches)


def aims_of(attack: Attack, problem: Problem, budget: Budget, restart: int) -> Iterator[Tensor]:
    """The wrong classes (N, heads) that a start aims at, one after the other; none for an untargeted attack."""
    if attack.aims is None:
        return
    for target in range(min(budget.targets, problem.classes - 1)):
        place = target if attack.aims == "likely" else restart
        yield torch.stack([_aim(attack, problem, m, place) for m in range(len(problem.clean))], dim=1)


def _aim(attack: Attack, problem: Problem, head: int, place: int) -> Tensor:
    """The wrong class of one head, (N,): of heads with fewer classes the first ones again."""
    clean, labels = problem.clean[head], problem.labels[:, head]
    if attack.aims == "least_likely":
        return least_likely_class(clean, labels)
    classes = clean.shape[1]
    if attack.aims == "random":
        # the main head's are the same whatever the threat model
        order = random_wrong_classes(labels, classes, problem.draw(f"classes {head}"))
    else:
        order = likeliest_wrong_classes(clean, labels, classes - 1)
    return order[:, place % (classes - 1)]
