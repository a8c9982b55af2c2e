"""The checklist of honest robustness on a model that was trained elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saddle.archive.model.model_file import as_the_users, load_model_file
from saddle.errors import UserError
from trainables.contract import CheckItem

if TYPE_CHECKING:
    from torch import Tensor, nn

SPLIT_SEED = 20261121
"""Of the order that keeps classes' proportions in the first images, as in the test of trials."""


def check_model(
    address: str, dataset: Any, epsilon: float, images: int, data_root: str | None = None
) -> list[CheckItem]:
    """Every item's verdict on the model of `FILE.py:FUNCTION`, on the first `images` test images of a dataset.

    Raises `UserError` where file, function or forward pass are wrong, `DataError` for absent data.
    """
    from trainables import datasets
    from trainables.datasets.dataset import stratified_order
    from trainables.evaluation.checklist import Subject, run_checklist

    loaded = datasets.load(dataset, data_root)
    order = stratified_order(loaded.test.labels, SPLIT_SEED)[:images]
    model = load_model_file(address)
    device = next((parameter.device for parameter in model.parameters()), None)
    model.requires_grad_(False)  # attacks need gradients of images only
    pixels, labels = loaded.test.pixels(order).to(device), loaded.test.labels[order].to(device)
    require_logits(model, pixels[:2], len(loaded.classes), address)
    with as_the_users(f"the model of {address}"):
        return run_checklist(Subject(model, pixels, labels, epsilon, classes=len(loaded.classes)))


def require_logits(model: nn.Module, pixels: Tensor, classes: int, address: str) -> None:
    """Raise `UserError` if a forward pass doesn't give logits of so many classes."""
    import torch

    from trainables.evaluation.checklist.network import Network, WrongOutput

    name = f"the model of {address}"
    with torch.no_grad(), as_the_users(f"{name}, given pixels {tuple(pixels.shape)} in [0, 1],"):
        try:
            logits = Network(model).heads(pixels)[0]
        except WrongOutput as error:
            raise UserError(f"{name}, given pixels {tuple(pixels.shape)} in [0, 1]: {error}") from None
    if logits.shape[1] < classes:
        raise UserError(f"{name} gives logits of {logits.shape[1]} classes, and the dataset has {classes}")
