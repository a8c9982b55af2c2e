"""Whether a forward pass gives one output for one image, in any way and at any time. Indicator 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from trainables.contract import CheckItem
from trainables.evaluation.checklist.evidence import Evidence
from trainables.evaluation.checklist.network import Network

PASSES = 5
SAME, SIMILAR = 1e-4, 5e-3
"""Share of the logits' standard deviation: how much the same call may differ, and one in another batch or layout, where
kernels may add up in another order (TF32 included)."""
LOOKED_AT = 64
"""Images that are evaluated in every way."""


def unstable_predictions(evidence: Evidence) -> CheckItem:
    """The same logits in five passes, in any batch, with gradients or without, before and after the attacks."""
    numbers, worst_way, verdict = {"n": float(min(evidence.n, LOOKED_AT)), "passes": float(PASSES)}, "", 0.0
    for way, tolerance, difference in differences(evidence):
        numbers[way] = max(difference, numbers.get(way, 0.0))
        if difference > tolerance and difference / tolerance > verdict:
            worst_way, verdict = way, difference / tolerance
    changed = state_changed(evidence)
    numbers["state_changed"] = float(len(changed))
    if worst_way:
        says = f"the logits of one image differ {WAYS[worst_way]}, by {numbers[worst_way]:.2g} standard deviations"
        return CheckItem("unstable_predictions", "fail", numbers, says)
    if changed:
        says = f"a forward pass changes the model's state ({', '.join(changed[:3])})"
        return CheckItem("unstable_predictions", "fail", numbers, says)
    return CheckItem(
        "unstable_predictions", "pass", numbers, "the prediction of an image is the same in every condition"
    )


WAYS: Mapping[str, str] = {
    "repeated": "between passes over the same batch: the output is random or depends on the number of calls",
    "alone": "with the size of the batch",
    "company": "with the other images of the batch",
    "order": "with the position in the batch",
    "gradients": "with whether gradients are computed: the model can detect an attack",
    "layout": "with the layout in memory",
    "after_attacks": "after attacks from before the attack: the model has memory",
    "fresh_copy": "between a model that was attacked and a fresh copy of it",
}


def differences(evidence: Evidence) -> Iterator[tuple[str, float, float]]:
    """For each way: its name, the tolerance, and the largest difference in standard deviations."""
    count = min(LOOKED_AT, evidence.n)
    # after the attacks, so that their effect on the model shows
    adversarial = evidence.adversarial[:count]
    before = evidence.heads[0][:count]
    spread = _spread(before)
    for images in (evidence.images[:count], adversarial):
        forward = evidence.network
        reference = forward.logits(images)
        for _ in range(PASSES - 1):
            yield "repeated", SAME, _difference(forward.logits(images), reference, spread)
        if images is not adversarial:
            yield "alone", SIMILAR, _difference(before, reference, spread)
        few = min(16, count)
        alone = torch.cat([forward.logits(images[i : i + 1]) for i in range(few)])
        yield "alone", SIMILAR, _difference(alone, reference[:few], spread)
        in_company = torch.cat([images[: count // 2 or 1], evidence.noise("company")[:count].abs().to(images)])
        yield (
            "company",
            SIMILAR,
            _difference(forward.logits(in_company)[: count // 2 or 1], reference[: count // 2 or 1], spread),
        )
        yield "order", SIMILAR, _difference(forward.logits(images.flip(0)).flip(0), reference, spread)
        for logits in _under_gradients(forward, images):
            yield "gradients", SIMILAR, _difference(logits, reference, spread)
        yield "layout", SIMILAR, _difference(forward.logits(_other_layout(images)), reference, spread)
        if isinstance(evidence.fresh, nn.Module):
            fresh = Network(evidence.fresh).logits(images)
            yield "fresh_copy", SIMILAR, _difference(fresh, reference, spread)
    yield "after_attacks", SIMILAR, _difference(evidence.network.logits(evidence.images)[:count], before, spread)


def _under_gradients(network: Network, images: Tensor) -> Iterator[Tensor]:
    """Logits with gradients possible, computed, and disabled; none if that raises."""
    with torch.enable_grad():
        yield network.heads(images)[0].detach()
        wanted = images.clone().requires_grad_()
        try:
            yield network.heads(wanted)[0].detach()
        except Exception as error:  # unavailable gradients are checked by another item
            network.note(error)
    try:
        with torch.inference_mode():
            yield network.heads(images.clone())[0].clone()
    except RuntimeError:  # a model that takes gradients itself is also checked by another item
        return


def _other_layout(images: Tensor) -> Tensor:
    last = images.contiguous(memory_format=torch.channels_last)
    return last if not images.is_contiguous(memory_format=torch.channels_last) else images.contiguous()


def _spread(logits: Tensor) -> float:
    finite = logits.float()[logits.isfinite().all(1)]
    return max(float(finite.std(1).median()) if len(finite) else 0.0, 1e-30)


def _difference(first: Tensor, second: Tensor, spread: float) -> float:
    """The largest difference in standard deviations; infinite where only one of the two is a number."""
    first, second = first.float(), second.float()
    if not torch.equal(first.isfinite(), second.isfinite()):
        return float("inf")
    both = first.isfinite()
    return float((first - second)[both].abs().max()) / spread if both.any() else 0.0


def state_changed(evidence: Evidence) -> list[str]:
    """Names of parameters and buffers that differ from those of a fresh copy."""
    forward, fresh = evidence.subject.forward, evidence.fresh
    if not isinstance(forward, nn.Module) or not isinstance(fresh, nn.Module):
        return []
    before = fresh.state_dict()
    return [
        name
        for name, value in forward.state_dict().items()
        if isinstance(value, Tensor) and not torch.equal(value.cpu(), before[name].cpu())
    ]
