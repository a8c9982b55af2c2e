"""S1's losses, a function each; they take logits, and compute in log space in float32 or better.

Classes: 0 undamaged, 1 damaged, 2 generated (fake). An expectation over images of a class that a batch lacks is 0.
`joint`: which part of a batch that ranks share these images are; without it they are the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from trainables.counterfactual_gan.sameness import sameness
from trainables.counterfactual_gan.settings.losses import GeneratorLoss
from trainables.joint_batch import JointBatch

UNDAMAGED, FAKE = 0, 2


def discriminator_loss(
    real: Tensor,
    generated: Tensor,
    labels: Tensor,
    fake_weight: str = "expectations",
    joint: JointBatch | None = None,
) -> Tensor:
    """L_D (S1, eq. 1): cross-entropy of real images to their class and of generated ones to fake.

    `real`: (N, 3) logits of D on images with `labels` (N,); `generated`: (M, 3) on detached counterfactuals.
    `fake_weight` "expectations" is eq. 1, a mean per class; "mean" is the plain mean over all images, times 3, so that
    both are of one size.
    """
    joint = joint or JointBatch.of(labels)
    if fake_weight == "mean":
        everything = torch.cat([_log_p(real), _log_p(generated)])
        wanted = torch.cat([labels, labels.new_full((len(generated),), FAKE)])
        return 3 * joint.mean(F.nll_loss(everything, wanted, reduction="none"))
    return classification_loss(real, labels, joint) - joint.mean(_log_p(generated)[:, FAKE])


def classification_loss(logits: Tensor, labels: Tensor, joint: JointBatch | None = None) -> Tensor:
    """Cross-entropy of images to their class, a mean per class, of logits (N, 2) or (N, 3).

    S1's eq. 3 of G's class branch, and eq. 1 without its generated images.
    """
    joint = joint or JointBatch.of(labels)
    return joint.class_means(-_log_p(logits).gather(1, labels[:, None])[:, 0], labels)


def generator_loss(
    logits: Tensor, labels: Tensor, form: GeneratorLoss = "flip", joint: JointBatch | None = None
) -> Tensor:
    """L_G (S1, eq. 2), of D's logits (N, 3) on counterfactuals of images with `labels` (N,).

    `flip`: -log p of the other class, which raises that class and lowers both others: the non-saturating form of what
    the text asks for. `two_term`: -log(1 - p_own) - log(1 - p_fake), the two aims separately, bounded below by 0.
    `printed`: log p_own + log p_fake, each an expectation as in eq. 2; it has no lower bound, and where D is sure
    of a fake its gradient raises p_fake (methods.md, 1.8).
    """
    joint = joint or JointBatch.of(labels)
    log_p = _log_p(logits)
    own = log_p.gather(1, labels[:, None])[:, 0]
    if form == "flip":
        return joint.class_means(-log_p.gather(1, 1 - labels[:, None])[:, 0], labels)
    if form == "two_term":
        not_fake = joint.mean(_log_not(log_p, torch.full_like(labels, FAKE)))
        return joint.class_means(-_log_not(log_p, labels), labels) - not_fake
    if form == "printed":
        return joint.class_means(own, labels) + joint.mean(log_p[:, FAKE])
    raise ValueError(f"{form!r} is not a form of the generator's loss; choose flip, two_term or printed")


def cycle_loss(
    logits: Sequence[Tensor],
    labels: Tensor,
    lambda_c: float = 1.0,
    form: GeneratorLoss = "flip",
    joint: JointBatch | None = None,
) -> Tensor:
    """L_Gc (S1, eq. 6) over half-cycles, of D's logits (N, 3) on G(x), G(G(x)), …; with one of them it is L_G.

    An image must reach the other class and its own in turn, weighted by λ_c^(i-1). As `printed`, the weight is
    (-λ_c)^(i-1) of the printed L_G, whose sign changes for the fake term, too: every second counterfactual should be
    detectable.
    """
    joint = joint or JointBatch.of(labels)
    total = logits[0].new_zeros((), dtype=torch.float32)
    for i, each in enumerate(logits):
        if form == "printed":
            total = total + (-lambda_c) ** i * generator_loss(each, labels, form, joint)
        elif i % 2 == 0:
            total = total + lambda_c**i * generator_loss(each, labels, form, joint)
        else:
            total = total + lambda_c**i * generator_loss(each, 1 - labels, form, joint.swapped())
    return total


def sparsity_loss(images: Tensor, generated: Tensor, joint: JointBatch | None = None) -> Tensor:
    """L_Gs (S1, eq. 4): the L1 distance of counterfactuals from images, (N, C, H, W) both, per pixel and channel."""
    change = (images - generated).abs()
    return change.mean() if joint is None else joint.mean(change)


def sameness_loss(images: Tensor, generated: Tensor, labels: Tensor, joint: JointBatch | None = None) -> Tensor:
    """How similarly the batch's undamaged images change, (), between 0 and 1 (see `sameness`); S1 has no such term.

    `images` and their counterfactuals `generated`: (N, C, H, W), with `labels` (N,). For a batch that is shared
    among ranks it is that of all its images, on every rank; for one without undamaged images it is 0.
    """
    joint = joint or JointBatch.of(labels)
    changes = torch.where((labels == UNDAMAGED)[:, None, None, None], generated - images, 0)
    changes = changes.float() if changes.dtype in (torch.float16, torch.bfloat16) else changes
    return sameness(joint.sum(changes), joint.sum(changes.square().flatten(1).sum(1)), joint.counts[UNDAMAGED])


def _log_p(logits: Tensor) -> Tensor:
    return F.log_softmax(logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits, dim=1)


def _log_not(log_p: Tensor, which: Tensor) -> Tensor:
    """log(1 - p) of one class of each image, (N,): the log of the others' sum, which never cancels."""
    others = log_p.masked_fill(F.one_hot(which, log_p.shape[1]).bool(), -torch.inf)
    return torch.logsumexp(others, dim=1)
