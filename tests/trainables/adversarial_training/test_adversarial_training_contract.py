"""The contract suite on adversarial training, with each perturbation."""

from __future__ import annotations

from typing import ClassVar

from saddle_contracts.trainable import TrainableContract
from trainables import adversarial_training

SMALL = {
    "dataset": "digits",
    "tasks": ["odd_even", "prime_composite"],
    "epochs": 3,
    "epsilon_warmup": 2,
    "steps": 2,
    "attack_steps": 2,
    "train_size": 120,
    "test_size": 40,
    "width": 1,
    "batch_size": 50,
}


class TestMixedPerturbation(TrainableContract):
    trainable = adversarial_training
    config: ClassVar = {**SMALL, "perturbation": "mp", "schedule": "cyclic"}


class TestMultiTaskAttack(TrainableContract):
    trainable = adversarial_training
    config: ClassVar = {
        **SMALL,
        "perturbation": "mta",
        "optimizer": "sgd",
        "momentum": 0.9,
        "lr": 0.05,
        "attack_restarts": 2,
    }


class TestSingleTaskAttack(TrainableContract):
    trainable = adversarial_training
    config: ClassVar = {**SMALL, "perturbation": "sta", "tasks": [], "schedule": "cosine"}


class TestTrades(TrainableContract):
    trainable = adversarial_training
    config: ClassVar = {**SMALL, "objective": "trades", "awp_gamma": 0.01, "awp_warmup": 1, "dropout": 0.1}


class TestSingleStepsWithAnAverage(TrainableContract):
    trainable = adversarial_training
    config: ClassVar = {**SMALL, "perturbation": "n_fgsm", "swa_start": 0.3, "label_smoothing": 0.1}


class TestDistillation(TrainableContract):
    trainable = adversarial_training
    config: ClassVar = {
        **SMALL,
        "perturbation": "none",
        "distillation": "defensive",
        "teacher_epochs": 1,
        "augmix": True,
        "patience": 5,
    }


class TestSmoothingBehindARandomTransformation(TrainableContract):
    trainable = adversarial_training
    config: ClassVar = {
        **SMALL,
        "perturbation": "gaussian",
        "preprocessing": "random_resize",
        "eot_draws": 2,
        "analyses": ["certification", "catastrophic_overfitting"],
        "certification_images": 3,
        "certification_draws": 20,
    }


class TestFeatureDenoising(TrainableContract):
    trainable = adversarial_training
    config: ClassVar = {
        **SMALL,
        "network": "wide_resnet",
        "depth": 8,
        "denoising": "non_local",
        "preprocessing": "jpeg",
        "perturbation": "fgsm_rs",
        "test_size": 20,
    }


class TestTransformedImagesAndAngularHeads(TrainableContract):
    trainable = adversarial_training
    config: ClassVar = {
        **SMALL,
        "perturbation": "mp",
        "image_size": 12,
        "class_count": 5,
        "class_distance": "high",
        "smoothing": 0.5,
        "saturation": 4.0,
        "contrast": 0.5,
        "epsilon_scaled_with": "contrast",
        "head": "angular",
        "angular_margin": 0.2,
    }
