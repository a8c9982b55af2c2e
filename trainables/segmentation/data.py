"""The parts of a dataset with masks: the same as those of the counterfactual GAN."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.contract import Run
from trainables.datasets.config import dataset_of
from trainables.datasets.errors import DataError
from trainables.datasets.sampling.samples import Samples
from trainables.defects.splits import Splits, splits
from trainables.segmentation.config import Config


def masked_splits(config: Config, run: Run) -> Splits:
    """Training, validation and test images; raises `DataError` if one of them has no masks."""
    data = splits(config, run.data(dataset_of(config)), run.device)
    if any(part.masks is None for part in (data.train, data.validation, data.test)):
        raise DataError("segmentation needs masks, and this dataset has none")
    return data


class Masked(torch.utils.data.Dataset[tuple[Tensor, Tensor]]):
    """Samples whose labels are masks: batches of pixels (B, C, H, W) and stored masks (B, H, W) uint8."""

    def __init__(self, samples: Samples) -> None:
        assert samples.masks is not None
        self.samples, self.masks = samples, samples.masks

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        images, masks = self.__getitems__([index])
        return images[0], masks[0]

    def __getitems__(self, index: list[int]) -> tuple[Tensor, Tensor]:
        images, _ = self.samples.__getitems__(index)
        return images, self.masks[torch.tensor(index, device=self.masks.device)]
