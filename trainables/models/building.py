"""Build the network of a name and its sizes."""

from __future__ import annotations

from collections.abc import Sequence

from trainables.models.multi_task import MultiTaskNetwork


def build_network(
    network: str,
    shape: Sequence[int],
    classes: Sequence[int],
    width: int,
    depth: int = 32,
    depth_rule: str = "madry",
    denoising: str = "none",
) -> MultiTaskNetwork:
    """A network for images (C, H, W) with a head for each of `classes`; `depth` and its rule are wide_resnet's.

    `denoising` is for resnet18 and wide_resnet, the others ignore it. Weights are drawn from torch's global generator.
    Raises `ValueError` for images that are too small for its pools.
    """
    # imported on use: torchvision takes seconds
    if network == "lenet":
        from trainables.models.lenet import MultiTaskLeNet

        return MultiTaskLeNet(shape, classes, width)
    if network == "resnet18":
        from trainables.models.resnet import MultiTaskResNet18

        return MultiTaskResNet18(shape, classes, width, denoising)
    if network == "alexnet":
        from trainables.models.alexnet import MultiTaskAlexNet

        return MultiTaskAlexNet(shape, classes, width)
    if network == "wide_resnet":
        from trainables.models.wide_resnet import MultiTaskWideResNet

        return MultiTaskWideResNet(shape, classes, width, depth, depth_rule, denoising)
    raise ValueError(f"{network!r} is not a network; choose lenet, resnet18, alexnet or wide_resnet")
