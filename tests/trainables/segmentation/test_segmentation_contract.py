"""The contract suite on segmentation."""

from __future__ import annotations

from typing import ClassVar

from saddle_contracts.trainable import TrainableContract
from trainables import segmentation

SMALL = {
    "dataset": "synthetic_cracks",
    "epochs": 3,
    "train_size": 60,
    "test_size": 24,
    "batch_size": 20,
    "image_size": 16,
    "width": 4,
    "levels": 2,
}


class TestConvolutionalNetwork(TrainableContract):
    trainable = segmentation
    config: ClassVar = {**SMALL, "augmentation": "crop_colour_blur"}


class TestTransformer(TrainableContract):
    trainable = segmentation
    config: ClassVar = {**SMALL, "network": "swin_unet", "width": 12}
