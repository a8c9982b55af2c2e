"""Measurements of a subject, each made once, when the first item needs it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cached_property

import torch
from torch import Tensor, nn

from trainables.attacks.targets import random_wrong_classes
from trainables.evaluation.checklist import losses, strongest
from trainables.evaluation.checklist.ascent import Trace, ascend, step_gradient
from trainables.evaluation.checklist.losses import Loss
from trainables.evaluation.checklist.network import Network
from trainables.evaluation.checklist.subject import Context, Subject
from trainables.randomness import stream

SHORT, LONG, RESTARTS = 20, 100, 5
"""Steps of the budget ladder's first rung and of the others, and starts of its last one."""
NOISE_DRAWS = 10
"""Draws of uniform noise within ε, and as many of corners of the ε-box."""
FACTORS = (0.25, 0.5, 1.0, 2.0)
"""Factors of ε in its sweep, which continues to the largest."""
LARGEST = 1.0
"""Within it every image can become every other one."""


class Evidence:
    """A subject's predictions and the attacks on it; every attack has its own starts, fixed by the subject's seed."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.fresh = _copied(subject.forward)
        """A copy of the forward pass before its first call, if it can be copied."""
        self.network = Network(subject.forward)
        self.images = subject.images.detach()
        self.epsilon = subject.epsilon
        labels = subject.labels.detach()
        self.labels = labels if labels.ndim == 2 else labels.unsqueeze(1)
        self.main = self.labels[:, 0]
        self.n = len(self.images)

    @property
    def context(self) -> Context:
        return self.subject.context

    @cached_property
    def heads(self) -> list[Tensor]:
        """Every head's raw logits on the clean images."""
        with torch.no_grad():
            return [head.detach() for head in self.network.heads(self.images)]

    @cached_property
    def right(self) -> Tensor:
        """Which clean images are classified correctly, (N,) bool."""
        return ~self.network.fooled(self.images, self.main)

    @property
    def classes(self) -> int:
        """Classes of the main task; further outputs don't count."""
        return self.subject.classes or self.heads[0].shape[1]

    def noise(self, purpose: str, *, shape: torch.Size | None = None) -> Tensor:
        """Draws in [-1, 1] of a purpose's own stream, one for each pixel."""
        generator = stream(self.subject.seed, purpose)
        return 2 * torch.rand(shape or self.images.shape, generator=generator, dtype=self.images.dtype) - 1

    def ascent(self, purpose: str, loss: Loss, steps: int, epsilon: float | None = None, **how: float | bool) -> Trace:
        """One ascent from a random start within ε of all images."""
        within = self.epsilon if epsilon is None else epsilon
        noise = self.noise(purpose)
        return ascend(self.network, self.images, self.labels, loss, epsilon=within, steps=steps, noise=noise, **how)  # type: ignore[arg-type]

    @cached_property
    def fgsm(self) -> Trace:
        return ascend(
            self.network, self.images, self.labels, losses.main_cross_entropy,
            epsilon=self.epsilon, steps=1, first_step=self.epsilon,
        )  # fmt: skip

    @cached_property
    def pgd(self) -> Trace:
        return self.ascent("pgd", losses.main_cross_entropy, SHORT)

    @cached_property
    def pgd_long(self) -> Trace:
        return self.ascent("pgd long", losses.main_cross_entropy, LONG)

    @cached_property
    def cw_linf(self) -> Trace:
        return self.ascent("cw_linf", losses.main_margin, SHORT)

    @cached_property
    def targets(self) -> Tensor:
        """A wrong class of each image, (N,)."""
        return random_wrong_classes(self.main, self.classes, stream(self.subject.seed, "targets"))[:, 0]

    @cached_property
    def targeted(self) -> Trace:
        aimed = torch.stack([self.main, self.targets], dim=1)
        noise = self.noise("targeted")
        return ascend(
            self.network, self.images, aimed, losses.toward_target, epsilon=self.epsilon, steps=SHORT, noise=noise
        )

    @cached_property
    def noise_fooled(self) -> Tensor:
        """Which images random noise of size ε fools, in any of its draws, (N,) bool."""
        fooled = torch.zeros_like(self.right)
        for draw in range(NOISE_DRAWS):
            uniform = self.noise(f"noise {draw}").to(self.images.device)
            for noise in (uniform, uniform.sign()):
                fooled |= self.network.fooled((self.images + self.epsilon * noise).clamp(0, 1), self.main)
        return fooled

    @cached_property
    def single(self) -> Mapping[str, Trace]:
        """The attacks that were run on all images."""
        return {
            "fgsm": self.fgsm,
            "pgd": self.pgd,
            "cw_linf": self.cw_linf,
            "pgd_targeted": self.targeted,
            "pgd_100": self.pgd_long,
        }

    @cached_property
    def white_box(self) -> strongest.Strongest:
        """The strongest attack with gradients, on what the single ones left standing."""
        standing = self.right.clone()
        for trace in self.single.values():
            standing &= ~trace.fooled
        return strongest.white_box(self, standing)

    @property
    def standing(self) -> Tensor:
        """Which images are right and withstand every attack with gradients, (N,) bool."""
        return self.white_box.standing

    @cached_property
    def adversarial(self) -> Tensor:
        """An image that fools within ε if gradients found one, else one that nearly did."""
        images = self.white_box.images.clone()
        for trace in reversed(list(self.single.values())):
            images[trace.fooled] = trace.images[trace.fooled]
        return images

    @cached_property
    def square(self) -> Tensor:
        """Which images Square fools among those that withstand attacks with gradients, (N,) bool."""
        return strongest.black_box(self, self.standing)

    @cached_property
    def square_alone(self) -> Tensor:
        """Which of these also withstand longer attacks with gradients, (N,) bool."""
        return strongest.without_gradients_alone(self, self.square)

    @cached_property
    def transferred_alone(self) -> Tensor:
        """Which images withstand gradients, also for longer, but not what fools another network, (N,) bool."""
        assert self.transferred is not None
        fooled = self.standing & self.network.fooled(self.transferred, self.main)
        return strongest.without_gradients_alone(self, fooled)

    @cached_property
    def transferred(self) -> Tensor | None:
        """Images made against the surrogate, which the model itself must classify; None without a surrogate."""
        if self.context.surrogate is None:
            return None
        other = Network(self.context.surrogate)
        noise = self.noise("transfer")
        first = self.labels[:, :1]
        trace = ascend(
            other, self.images, first, losses.main_margin, epsilon=self.epsilon, steps=50, noise=noise, decay=True
        )
        return trace.last

    @cached_property
    def claimed_images(self) -> Tensor | None:
        """The images of the attack by which robustness is claimed; None without one."""
        if self.context.attack is None:
            return None
        return self.context.attack(self.subject.forward, self.images, self.main, self.epsilon).detach()

    @cached_property
    def sweep(self) -> Mapping[float, Tensor]:
        """ε → which images withstand a margin ascent within it, (N,) bool; the last ε is the largest."""
        sizes = [*(factor * self.epsilon for factor in FACTORS if factor * self.epsilon < LARGEST), LARGEST]
        return {
            size: self.right & ~self.ascent(f"sweep {size:.6f}", losses.main_margin, 40, size, decay=True).fooled
            for size in sizes
        }

    @cached_property
    def gradients(self) -> tuple[Tensor, Tensor]:
        """Cross-entropy and margin gradients at the images, (N, C, H, W) each."""
        return self.gradient(self.images, losses.main_cross_entropy), self.gradient(self.images, losses.main_margin)

    def gradient(self, points: Tensor, loss: Loss) -> Tensor:
        """The gradient of a loss at points near the images."""
        parts = [
            step_gradient(self.network, points[first : first + 250], self.labels[first : first + 250], loss)[0]
            for first in range(0, self.n, 250)
        ]
        return torch.cat(parts)

    def margins(self, points: Tensor) -> Tensor:
        """The main head's margins at some points near the images, (N,), positive where misclassified."""
        with torch.no_grad():
            return losses.main_margin(self.network.attacked(points)[0], self.labels)


def _copied(forward: object) -> object | None:
    """A copy that shares no state; None if a forward pass can't be copied, as of closures."""
    if not isinstance(forward, nn.Module):
        return None
    try:
        return copy.deepcopy(forward)
    except (RuntimeError, TypeError, NotImplementedError):  # hooks, locks or tensors of a graph in it
        return None
