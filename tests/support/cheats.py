"""Models and evaluations that look more robust than they are, around an honest network, for tests of the checklist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables.attacks.algorithms.pgd import pgd
from trainables.evaluation.checklist import Context, Subject
from trainables.evaluation.checklist.subject import Forward

Logits = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Cheat:
    """`plant` turns an honest subject into one that cheats; `caught_by` must fail, possibly among other items."""

    caught_by: tuple[str, ...]
    plant: Callable[[Subject], Subject]


class Wrapped(nn.Module):
    """The honest network inside a module that may have its own state."""

    def __init__(self, inner: Forward) -> None:
        super().__init__()
        self.inner = inner
        self.calls = 0

    def logits(self, images: Tensor) -> Tensor:
        return main(self.inner)(images)


def main(forward: Forward) -> Logits:
    """The main head's logits alone."""

    def logits(images: Tensor) -> Tensor:
        output = forward(images)
        return output if isinstance(output, Tensor) else output[0]

    return logits


def around(change: Callable[[Logits, Tensor], Tensor]) -> Callable[[Subject], Subject]:
    """A cheat that is a function of the honest logits and the images."""

    def plant(subject: Subject) -> Subject:
        honest = main(subject.forward)
        return replace(subject, forward=lambda images: change(honest, images), labels=subject.main_labels)

    return plant


def module(kind: type[Wrapped]) -> Callable[[Subject], Subject]:
    """A cheat that is a module around the honest network."""

    def plant(subject: Subject) -> Subject:
        return replace(subject, forward=kind(subject.forward).eval(), labels=subject.main_labels)

    return plant


def given(make: Callable[[Subject], Context]) -> Callable[[Subject], Subject]:
    """A cheat of the evaluation, not of the model."""
    return lambda subject: replace(subject, context=make(subject))


def quantised(images: Tensor, levels: int = 8) -> Tensor:
    return (images * (levels - 1)).round() / (levels - 1)


def _one_hot(f: Logits, x: Tensor) -> Tensor:
    logits = f(x)
    return F.one_hot(logits.argmax(1), logits.shape[1]).float()


class RandomNoise(Wrapped):
    """Adds noise to the logits."""

    def forward(self, images: Tensor) -> Tensor:
        logits = self.logits(images)
        return logits + 0.5 * torch.randn_like(logits)


class RandomMask(Wrapped):
    """Drops pixels at random, also at test time."""

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(images * (torch.rand_like(images) > 0.2))


class Counting(Wrapped):
    """Uses quantised images from the third call on."""

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        return self.logits(images if self.calls < 3 else quantised(images))


class LearnsFromAttacks(Wrapped):
    """A buffer that drifts with every image it sees shifts the logits."""

    def __init__(self, inner: Forward) -> None:
        super().__init__(inner)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, images: Tensor) -> Tensor:
        self.seen += images.detach().mean() * 1e-3
        return self.logits(images)


class BatchSized(Wrapped):
    """Hides its gradient in batches of more than one image."""

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(images) if len(images) == 1 else self.logits(quantised(images, 4))


class BatchNormalised(Wrapped):
    """Standardises the logits over the batch, as BatchNorm in training mode does."""

    def forward(self, images: Tensor) -> Tensor:
        logits = self.logits(images)
        return (logits - logits.mean(0)) / (logits.std(0, correction=0) + 1e-5)


class SeesGradients(Wrapped):
    """Returns other logits if gradients of its input are needed."""

    def forward(self, images: Tensor) -> Tensor:
        logits = self.logits(images)
        return logits.roll(1, dims=1) if images.requires_grad else logits


class SeesGradientMode(Wrapped):
    """Returns other logits if gradients are enabled."""

    def forward(self, images: Tensor) -> Tensor:
        logits = self.logits(images)
        return -logits if torch.is_grad_enabled() else logits


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images):  # type: ignore[no-untyped-def]
        return images.view_as(images)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        return -gradient


class _Scrambled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images):  # type: ignore[no-untyped-def]
        return images.view_as(images)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        return torch.randn(gradient.shape, generator=torch.Generator().manual_seed(0))


class _Raising(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images):  # type: ignore[no-untyped-def]
        return images.view_as(images)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        raise RuntimeError("this layer has no gradient")


def _extra_class(f: Logits, x: Tensor) -> Tensor:
    """An eleventh class, for images whose best logit hardly beats the second."""
    logits = f(x)
    top = logits.topk(2, dim=1).values
    doubt = top[:, 1] + 2.0 * (top[:, 0] - top[:, 1] < 1.0) + (top[:, 0] - top[:, 1]) * 0.5
    return torch.cat([logits, doubt.unsqueeze(1)], dim=1)


def _doubtful(logits: Tensor) -> Tensor:
    top = logits.topk(2, dim=1).values
    return (top[:, 0] - top[:, 1] < 1.0).unsqueeze(1)


def _purified(f: Logits, x: Tensor) -> Tensor:
    """Moves an image along its own gradient, in ten steps, and classifies the result."""
    point = x.detach()
    for _ in range(10):
        with torch.enable_grad():
            variable = point.clone().requires_grad_()
            logits = f(variable)
            (slope,) = torch.autograd.grad(F.cross_entropy(logits, logits.argmax(1), reduction="sum"), variable)
        point = (point - 0.01 * slope.sign()).clamp(0, 1)
    return f(point)


def _remembered(subject: Subject) -> Subject:
    """Answers with the nearest of the images that it is tested on."""
    known, honest = subject.images, main(subject.forward)
    answers = F.one_hot(subject.main_labels, 10).float() * 10

    def forward(images: Tensor) -> Tensor:
        distance = torch.cdist(images.flatten(1), known.flatten(1))
        return answers[distance.argmin(1)] + 0 * honest(images)

    return replace(subject, forward=forward, labels=subject.main_labels)


def _in_numpy(f: Logits, x: Tensor) -> Tensor:
    """A defence that leaves torch: it has no gradient."""
    import numpy as np

    pixels = x.numpy()
    return f(torch.from_numpy(np.round(pixels * 7) / 7).to(x.dtype))


def weak_attack(forward: Forward, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Three steps of a twentieth of ε."""
    logits = main(forward)
    return pgd(
        lambda x: F.cross_entropy(logits(x), labels, reduction="sum"),
        images, epsilon, epsilon / 20, 3, random_start=False,
    )  # fmt: skip


def flipped_attack(forward: Forward, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Lowers the loss that it should raise."""
    logits = main(forward)
    return pgd(
        lambda x: -F.cross_entropy(logits(x), labels, reduction="sum"),
        images, epsilon, epsilon / 4, 20, random_start=False,
    )  # fmt: skip


def overshooting_attack(forward: Forward, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Goes twice as far as it may."""
    return flipped_attack(forward, images, labels, 2 * epsilon)


def returning_attack(forward: Forward, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """Finds fooling images but returns later ones that don't fool: it goes back the same way."""
    logits = main(forward)

    def there(x: Tensor) -> Tensor:
        return F.cross_entropy(logits(x), labels, reduction="sum")

    away = pgd(there, images, epsilon, epsilon / 4, 20, random_start=False)
    return pgd(lambda x: -there(x), images, epsilon, epsilon / 4, 20, random_start=False) if len(away) else away


def _leaking_heads(subject: Subject) -> Subject:
    """A main head without gradient, next to an auxiliary one that returns the main head's logits."""
    honest = main(subject.forward)
    labels = torch.stack([subject.main_labels, subject.main_labels], dim=1)
    return replace(subject, forward=lambda x: (honest(quantised(x, 8)), honest(x)), labels=labels)


def _off_grid(f: Logits, x: Tensor) -> Tensor:
    """Rounds pixels that are not on the images' own grid to 16 levels, so that only clean images have gradients."""
    plain = ((255 * x).round() - 255 * x).abs().flatten(1).amax(1) < 1e-3
    return torch.where(plain.unsqueeze(1), f(x), f(quantised(x, 16)))


def _borrowed_gradient(f: Logits, x: Tensor) -> Tensor:
    """Quantises, and returns the gradient of a random linear map."""
    draw = torch.Generator().manual_seed(0)
    weight = torch.randn(x[0].numel(), 10, generator=draw)
    lent = x.flatten(1) @ weight
    return f(quantised(x)).detach() + lent - lent.detach()


MODELS: dict[str, Cheat] = {
    "rounds_what_is_off_the_grid": Cheat(("unavailable_gradients",), around(_off_grid)),
    "borrowed_gradient": Cheat(("gradients",), around(_borrowed_gradient)),
    "uninformative_path": Cheat(("gradients",), around(lambda f, x: f(quantised(x)) + 1e-6 * x.flatten(1)[:, :10])),
    "dropout_at_test_time": Cheat(
        ("unstable_predictions",), around(lambda f, x: f(F.dropout(x, 0.2, training=True)))
    ),
    "quantised_input": Cheat(("unavailable_gradients",), around(lambda f, x: f(quantised(x)))),
    "exploding_logits": Cheat(("unavailable_gradients", "forward_pass"), around(lambda f, x: 1e5 * f(x))),
    "large_logits": Cheat(("unavailable_gradients",), around(lambda f, x: 300 * f(x))),
    "random_output": Cheat(("unstable_predictions",), module(RandomNoise)),
    "random_mask": Cheat(("unstable_predictions",), module(RandomMask)),
    "softmax_output": Cheat(("forward_pass",), around(lambda f, x: f(x).softmax(1))),
    "scaled_softmax": Cheat(("forward_pass",), around(lambda f, x: 20 * f(x).softmax(1) - 3)),
    "softmax_of_exploding_logits": Cheat(
        ("forward_pass", "unavailable_gradients"), around(lambda f, x: (1e3 * f(x)).softmax(1))
    ),
    "one_hot_output": Cheat(("forward_pass", "unavailable_gradients"), around(_one_hot)),
    "sign_flipped_gradient": Cheat(("gradients",), around(lambda f, x: f(_Reversed.apply(x)))),
    "scrambled_gradient": Cheat(("gradients",), around(lambda f, x: f(_Scrambled.apply(x)))),
    "raising_gradient": Cheat(("unavailable_gradients",), around(lambda f, x: f(_Raising.apply(x)))),
    "detached": Cheat(("unavailable_gradients",), around(lambda f, x: f(x.detach()))),
    "in_numpy": Cheat(("unavailable_gradients",), around(_in_numpy)),
    "thresholded_input": Cheat(("unavailable_gradients",), around(lambda f, x: f((x > 0.5).float()))),
    "shattered_gradient": Cheat(
        ("gradients",), around(lambda f, x: f(x + 0.02 * torch.sin(5e3 * x)))
    ),
    "saturated_output": Cheat(("unavailable_gradients",), around(lambda f, x: torch.tanh(50 * f(x)))),
    "denormal_logits": Cheat(("forward_pass",), around(lambda f, x: 1e-40 * f(x))),
    "integer_output": Cheat(("forward_pass",), around(lambda f, x: (4 * f(x)).round().long())),
    "half_output": Cheat(("forward_pass",), around(lambda f, x: f(x).half())),
    "rounded_output": Cheat(("unavailable_gradients",), around(lambda f, x: (4 * f(x)).round())),
    "nan_for_doubtful": Cheat(
        ("rejection",), around(lambda f, x: torch.where(_doubtful(f(x)), torch.nan, f(x)))
    ),
    "infinite_for_doubtful": Cheat(
        ("rejection",), around(lambda f, x: torch.where(_doubtful(f(x)), torch.inf, f(x)))
    ),
    "zero_for_doubtful": Cheat(("rejection",), around(lambda f, x: torch.where(_doubtful(f(x)), 0.0, f(x)))),
    "extra_class_for_doubtful": Cheat(("rejection",), around(_extra_class)),
    "counts_calls": Cheat(("unstable_predictions",), module(Counting)),
    "learns_from_attacks": Cheat(("unstable_predictions",), module(LearnsFromAttacks)),
    "batch_sized": Cheat(("unstable_predictions",), module(BatchSized)),
    "batch_normalised": Cheat(("unstable_predictions",), module(BatchNormalised)),
    "sees_gradients": Cheat(("unstable_predictions",), module(SeesGradients)),
    "sees_gradient_mode": Cheat(("unstable_predictions",), module(SeesGradientMode)),
    "purified": Cheat(("forward_pass",), around(_purified)),
    "remembers_test_images": Cheat(("unavailable_gradients",), _remembered),
    "constant_class": Cheat(("forward_pass", "worst_case"), around(lambda f, x: 0 * f(x) + torch.eye(10)[3])),
    "permuted_labels": Cheat(("worst_case",), around(lambda f, x: f(x).roll(1, dims=1))),
    "normalised_outside": Cheat(
        ("forward_pass",),
        lambda s: replace(s, images=(s.images - 0.3) / 0.35, forward=lambda x: s.forward(0.35 * x + 0.3)),
    ),
    "expects_bytes": Cheat(("forward_pass",), around(lambda f, x: f(x / 255))),
    "leaking_auxiliary_head": Cheat(("heads", "unavailable_gradients"), _leaking_heads),
}  # fmt: skip

EVALUATIONS: dict[str, Cheat] = {
    "attack_short_of_epsilon": Cheat(("constraint",), given(lambda s: Context(attack=weak_attack))),
    "attack_beyond_epsilon": Cheat(("constraint",), given(lambda s: Context(attack=overshooting_attack))),
    "attack_with_flipped_sign": Cheat(("incomplete_optimisation",), given(lambda s: Context(attack=flipped_attack))),
    "attack_that_returns": Cheat(("silent_success",), given(lambda s: Context(attack=returning_attack))),
    "selected_on_test_metric": Cheat(
        ("selection",), given(lambda s: Context(selected_by="test/robust_accuracy.worst_case", seeds=3))
    ),
    "selected_on_test_images": Cheat(
        ("selection",), given(lambda s: Context(selected_by="validation/accuracy", selection=s.images[50:], seeds=3))
    ),
    "chosen_where_test_is_best": Cheat(
        ("selection",),
        given(
            lambda s: Context(
                selected_by="validation/accuracy",
                curve=[
                    {"validation/accuracy": 0.5, "test/accuracy": 0.5},
                    {"validation/accuracy": 0.4, "test/accuracy": 0.6},
                ],
                chosen=2,
                seeds=3,
            )
        ),
    ),
    "claims_too_much": Cheat(
        ("worst_case",), given(lambda s: Context(claimed=torch.ones(len(s.images), dtype=torch.bool)))
    ),
}
