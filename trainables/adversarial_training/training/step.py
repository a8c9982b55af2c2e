"""One step of the optimiser."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim import Optimizer

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.training.objective import Logits, Objective, StepBatch
from trainables.adversarial_training.training.weight_perturbation import perturbed_weights, unchanged_statistics


def take_step(
    config: Config,
    objective: Objective,
    model: nn.Module,
    bare: nn.Module,
    optimizer: Optimizer,
    batch: StepBatch,
    epoch: int,
    weight: float = 1.0,
) -> tuple[Tensor, Logits]:
    """Move the weights by the gradient of the loss; the loss and the logits of the perturbed images.

    `model`: as prepared for several ranks, which average its gradients; `bare`: its network. `weight`: what the loss
    counts for there. With adversarial weight perturbation the gradient, and what is returned, are those at the moved
    weights; the optimiser's own terms, such as weight decay, are those at the network's own.
    """

    def take_gradients() -> tuple[Tensor, Logits]:
        loss, logits = objective(model, batch)
        optimizer.zero_grad()
        (loss * weight).backward()  # type: ignore[no-untyped-call]
        return loss, logits

    if config.awp_gamma and epoch >= config.awp_warmup:
        with unchanged_statistics(bare):
            take_gradients()
        with perturbed_weights(bare, config.awp_gamma):
            loss, logits = take_gradients()
    else:
        loss, logits = take_gradients()
    optimizer.step()
    return loss, logits
