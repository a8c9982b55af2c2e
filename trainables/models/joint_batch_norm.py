"""BatchNorm with the statistics of the batches of all ranks together."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)
AnyBatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


class _TotalOverRanks(torch.autograd.Function):
    """The sum over ranks; its gradient is the sum of the gradients that all ranks have of it."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        [gradient] = gradients
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


def total_over_ranks(values: Tensor) -> Tensor:
    """The sum of a tensor over all ranks, each of which has one of this shape; gradients flow back to all of them."""
    total: Tensor = _TotalOverRanks.apply(values)
    return total


class JointBatchNorm(nn.Module):
    """A BatchNorm layer's weights, with mean and variance over the samples of all ranks (Ioffe and Szegedy, 2015).

    The same as `nn.SyncBatchNorm` computes, which refuses tensors on a CPU. Ranks may have unequally many samples. In
    eval mode no rank waits for another. Parameters and buffers have the names that they had in `layer`.
    """

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, layer: AnyBatchNorm) -> None:
        super().__init__()
        self.eps, self.momentum = layer.eps, layer.momentum
        self.weight, self.bias = layer.weight, layer.bias
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, getattr(layer, name))
        self.train(layer.training)

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, C, …), normalised by channel."""
        if not self.training and self.running_mean is not None:
            return F.batch_norm(features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        full = features.float() if features.dtype in (torch.float16, torch.bfloat16) else features
        dimensions = [0, *range(2, features.ndim)]
        here = full.new_tensor([full.numel() / full.shape[1]])
        summed = total_over_ranks(torch.cat([here, full.sum(dimensions)]))
        count, mean = summed[0].detach(), summed[1:] / summed[0].detach()
        shape = [1, -1, *[1] * (features.ndim - 2)]
        centred = full - mean.view(shape)
        variance = total_over_ranks(centred.square().sum(dimensions)) / count
        self._follow(mean.detach(), variance.detach() * count / (count - 1))
        normalised = centred * (variance + self.eps).rsqrt().view(shape)
        if self.weight is not None:
            normalised = normalised * self.weight.view(shape) + self.bias.view(shape)
        return normalised.to(features.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics by the momentum, or to the mean of all batches without one, as in BatchNorm."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)


def with_joint_statistics(model: M, device: torch.device) -> M:
    """The model with every BatchNorm's statistics over all ranks: torch's SyncBatchNorm on CUDA, else our own.

    Layers are replaced in place, and their parameters stay the same; other layers stay unchanged.
    """
    if device.type == "cuda":
        return cast(M, nn.SyncBatchNorm.convert_sync_batchnorm(model))  # type: ignore[no-untyped-call]
    if isinstance(model, AnyBatchNorm):
        joint = JointBatchNorm(model)
        # a compiled network leaves its graph for calls that wait for other ranks; a decorator's import takes seconds
        joint.forward = torch.compiler.disable(joint.forward)  # type: ignore[method-assign, no-untyped-call]
        return cast(M, joint)
    for name, child in model.named_children():
        setattr(model, name, with_joint_statistics(child, device))
    return model
