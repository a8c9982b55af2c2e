"""One batch's updates of D and G; what both need is computed once.

With c half-cycles an update of both runs G c times; D sees real images and G(x) for its own update, and after it each
of the c counterfactuals once. A transcription of the equations runs G for every term (`tests/benchmarks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainables.attacks.frozen import without_gradients
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.training.losses import (
    classification_loss,
    cycle_loss,
    discriminator_loss,
    sameness_loss,
    sparsity_loss,
)
from trainables.device.arithmetic import autocast
from trainables.joint_batch import JointBatch
from trainables.models.generators.generator import Generated


@dataclass
class Losses:
    """The terms of one batch, detached; None if it wasn't that network's turn."""

    discriminator: Tensor | None = None
    generator: dict[str, Tensor] = field(default_factory=dict)

    def named(self) -> Iterator[tuple[str, Tensor]]:
        """Every term with its name."""
        if self.discriminator is not None:
            yield "discriminator", self.discriminator
        yield from self.generator.items()


def half_cycles(generator: nn.Module, bare: nn.Module, images: Tensor, count: int) -> list[Generated]:
    """G(x), G(G(x)), …, `count` of them; after the first through the `bare` network behind `Run.prepare`.

    A distributed network expects one forward pass per backward pass; it collects the weights' gradients of all passes.
    """
    generated: list[Generated] = [generator(images)]
    for _ in range(count - 1):
        generated.append(bare(generated[-1].images))
    return generated


def update(
    config: Config,
    generator: nn.Module,
    discriminator: nn.Module,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
    images: Tensor,
    labels: Tensor,
    unwrap: Callable[[nn.Module], nn.Module],
    *,
    train_discriminator: bool = True,
    train_generator: bool = True,
    joint: JointBatch | None = None,
) -> Losses:
    """Update D, then G against the new D, on images (N, C, H, W) in [0, 1] with labels (N,) of 0 and 1.

    G's counterfactuals of this batch serve both updates: nothing of G changes in between. `unwrap`: `Run.unwrap`.
    `joint`: which part of a batch that ranks share these images are; without it the whole batch.
    """
    joint = joint or JointBatch.of(labels)
    if not config.adversarial:
        return update_classifiers(
            config,
            generator if train_generator else None,
            discriminator if train_discriminator else None,
            generator_optimizer,
            discriminator_optimizer,
            images,
            labels,
            joint,
        )
    losses = Losses()
    bare = unwrap(generator)
    with torch.set_grad_enabled(train_generator), autocast(config, images.device):
        generated = (
            half_cycles(generator, bare, images, config.half_cycles)
            if train_generator
            else half_cycles(bare, bare, images, 1)
        )
    if train_discriminator:
        losses.discriminator = update_discriminator(
            config, discriminator, discriminator_optimizer, images, generated[0].images.detach(), labels, joint
        )
    if train_generator:
        bare_discriminator = unwrap(discriminator)
        losses.generator = update_generator(
            config, bare_discriminator, generator_optimizer, images, generated, labels, joint
        )
    return losses


def update_classifiers(
    config: Config,
    generator: nn.Module | None,
    discriminator: nn.Module | None,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
    images: Tensor,
    labels: Tensor,
    joint: JointBatch,
) -> Losses:
    """Update D and G's class branch as plain classifiers if it is their turn; G's image isn't used."""
    losses = Losses()
    if discriminator is not None:
        with autocast(config, images.device):
            logits = discriminator(images)
        loss = classification_loss(logits, labels, joint)
        _step(discriminator_optimizer, loss)
        losses.discriminator = loss.detach()
    if generator is not None:
        with autocast(config, images.device):
            generated = generator(images)
        loss = classification_loss(generated.logits, labels, joint)
        # times 0: a distributed network waits for the gradients of all weights
        _step(generator_optimizer, loss + 0 * generated.images.sum())
        losses.generator = {"classification": loss.detach()}
    return losses


def _step(optimizer: Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def update_discriminator(
    config: Config,
    discriminator: nn.Module,
    optimizer: Optimizer,
    images: Tensor,
    generated: Tensor,
    labels: Tensor,
    joint: JointBatch,
) -> Tensor:
    """One step of D on L_D; real and generated images go through D together."""
    with autocast(config, images.device):
        logits = discriminator(torch.cat([images, generated]))
    real, fake = torch.split(logits, len(images))
    loss = discriminator_loss(real, fake, labels, config.fake_weight, joint)
    _step(optimizer, loss)
    return loss.detach()


def update_generator(
    config: Config,
    discriminator: nn.Module,
    optimizer: Optimizer,
    images: Tensor,
    generated: list[Generated],
    labels: Tensor,
    joint: JointBatch,
) -> dict[str, Tensor]:
    """One step of G on eq. 5 without L_D; D's weights get no gradients."""
    with without_gradients(discriminator), autocast(config, images.device):
        logits = list(
            torch.split(discriminator(torch.cat([translation.images for translation in generated])), len(images))
        )
    terms = generator_terms(config, images, generated, logits, labels, joint)
    total = torch.stack([weight * term for weight, term in terms.values()]).sum()
    _step(optimizer, total)
    return {name: term.detach() for name, (_, term) in terms.items()}


def generator_terms(
    config: Config,
    images: Tensor,
    generated: list[Generated],
    logits: list[Tensor],
    labels: Tensor,
    joint: JointBatch,
) -> dict[str, tuple[float, Tensor]]:
    """Weight and value of every term of G's loss, by name; `logits`: D's on each half-cycle's images."""
    terms = {
        "adversarial": (config.lambda1, cycle_loss(logits, labels, config.lambda_c, config.generator_loss, joint)),
        "classification": (config.lambda2, classification_loss(generated[0].logits, labels, joint)),
        "sparsity": (config.lambda3, sparsity_loss(images, generated[0].images, joint)),
    }
    if config.lambda_diversity:
        terms["sameness"] = (config.lambda_diversity, sameness_loss(images, generated[0].images, labels, joint))
    if config.quantised:
        terms["commitment"] = (
            config.commitment,
            joint.mean(torch.stack([translation.commitment for translation in generated]).sum()),
        )
    if config.cycle_identity:
        terms["identity"] = (config.cycle_identity, sparsity_loss(images, generated[1].images, joint))
    return terms
