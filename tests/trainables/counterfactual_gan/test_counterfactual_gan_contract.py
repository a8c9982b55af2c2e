"""The contract suite on the counterfactual GAN."""

from __future__ import annotations

from typing import ClassVar

from saddle_contracts.trainable import TrainableContract
from trainables import counterfactual_gan

SMALL = {
    "dataset": "synthetic_cracks",
    "epochs": 3,
    "train_size": 60,
    "test_size": 24,
    "batch_size": 20,
    "image_size": 16,
    "generator_width": 4,
    "generator_levels": 2,
    "discriminator_width": 4,
    "judge_width": 4,
    "judges": 1,
    "judge_epochs": 1,
    "draws": 2,
}


class TestConvolutionalGenerator(TrainableContract):
    trainable = counterfactual_gan
    config: ClassVar = {
        **SMALL,
        "half_cycles": 2,
        "augmentation": "crop_colour_blur",
        "update_ratio": "2:1",
        "lambda_diversity": 3.0,
    }


class TestQuantisedGenerator(TrainableContract):
    trainable = counterfactual_gan
    config: ClassVar = {
        **SMALL,
        "quantised": True,
        "generator_average": 0.0,
        "balanced_sampling": False,
        "norm": "batch",
        "update_ratio": "1:3",
        "analyses": ["robustness"],
        "curve_size": 8,
    }
