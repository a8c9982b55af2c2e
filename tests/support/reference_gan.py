"""One update of D and G as S1's equations are written, term by term, every expectation with its own passes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainables.counterfactual_gan.config import Config

FAKE = 2


def log_d(discriminator: nn.Module, images: Tensor) -> Tensor:
    return torch.log(torch.softmax(discriminator(images), dim=1))


def equation_1(generator: nn.Module, discriminator: nn.Module, x0: Tensor, x1: Tensor) -> Tensor:
    real0 = -log_d(discriminator, x0)[:, 0].mean()
    real1 = -log_d(discriminator, x1)[:, 1].mean()
    generated = generator(torch.cat([x0, x1])).images.detach()
    return real0 + real1 - log_d(discriminator, generated)[:, FAKE].mean()


def equation_2_flipped(discriminator: nn.Module, g0: Tensor, g1: Tensor) -> Tensor:
    """Counterfactuals of class 0 to class 1, and the other way round."""
    return -log_d(discriminator, g0)[:, 1].mean() - log_d(discriminator, g1)[:, 0].mean()


def equation_2_printed(discriminator: nn.Module, g0: Tensor, g1: Tensor) -> Tensor:
    own = log_d(discriminator, g0)[:, 0].mean() + log_d(discriminator, g1)[:, 1].mean()
    return own + log_d(discriminator, torch.cat([g0, g1]))[:, FAKE].mean()


def equation_3(generator: nn.Module, x0: Tensor, x1: Tensor) -> Tensor:
    def log_g(images: Tensor) -> Tensor:
        return torch.log(torch.softmax(generator(images).logits, dim=1))

    return -log_g(x0)[:, 0].mean() - log_g(x1)[:, 1].mean()


def equation_4(generator: nn.Module, x: Tensor) -> Tensor:
    return (x - generator(x).images).abs().mean()


def equation_6(config: Config, generator: nn.Module, discriminator: nn.Module, x0: Tensor, x1: Tensor) -> Tensor:
    """Every half-cycle, starting from the image: Gⁱ(x) is i passes."""
    total = torch.zeros((), dtype=x0.dtype)
    for i in range(1, config.half_cycles + 1):
        g0, g1 = x0, x1
        for _ in range(i):
            g0, g1 = generator(g0).images, generator(g1).images
        if config.generator_loss == "printed":
            total = total + (-config.lambda_c) ** (i - 1) * equation_2_printed(discriminator, g0, g1)
        else:
            back_and_forth = (g0, g1) if i % 2 else (g1, g0)
            total = total + config.lambda_c ** (i - 1) * equation_2_flipped(discriminator, *back_and_forth)
    return total


def transcribed_update(
    config: Config,
    generator: nn.Module,
    discriminator: nn.Module,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
    images: Tensor,
    labels: Tensor,
) -> dict[str, float]:
    """D's step, then G's; the losses by name."""
    x0, x1 = images[labels == 0], images[labels == 1]
    loss = equation_1(generator, discriminator, x0, x1)
    discriminator_optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    discriminator_optimizer.step()
    adversarial = equation_6(config, generator, discriminator, x0, x1)
    classification = equation_3(generator, x0, x1)
    sparsity = equation_4(generator, images)
    total = config.lambda1 * adversarial + config.lambda2 * classification + config.lambda3 * sparsity
    generator_optimizer.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    generator_optimizer.step()
    return {
        "discriminator": float(loss.detach()),
        "adversarial": float(adversarial.detach()),
        "classification": float(classification.detach()),
        "sparsity": float(sparsity.detach()),
    }
