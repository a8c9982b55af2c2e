"""Options of arithmetic and layout against plain float32 training: paired epochs on the available device.

`make bench`; on a GPU if there is one. SADDLE_BENCH_PAIRS changes how many pairs. The first epoch of each option, in
which it compiles and tries algorithms, isn't counted.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import Any

import pytest
import torch

import trainables.adversarial_training as method
from tests.support.noise_run import NoiseRun
from trainables.adversarial_training.training.loop import train
from trainables.contract import Report, resolve

PAIRS = int(os.environ.get("SADDLE_BENCH_PAIRS", "5"))
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SHAPE = (3, 32, 32)
GIVEN: dict[str, Any] = {
    "dataset": "cifar10", "network": "resnet18", "perturbation": "sta", "steps": 3, "epochs": PAIRS + 1,
    "batch_size": 256 if DEVICE == "cuda" else 25, "width": 64 if DEVICE == "cuda" else 8, "validate_every": PAIRS + 1,
    "validation_attacks": ["pgd"], "attack_steps": 1, "augmentation": "none",
}  # fmt: skip
IMAGES = 10_240 if DEVICE == "cuda" else 220
OPTIONS: dict[str, Mapping[str, Any]] = {
    "tf32": {"tf32": True},
    "mixed_precision": {"mixed_precision": True},
    "mixed_precision, channels_last": {"mixed_precision": True, "channels_last": True},
    "channels_last": {"channels_last": True},
    "compile": {"compile": "default"},
    "compile, compile_attack": {"compile": "default", "compile_attack": True},
}
OF_A_GPU = ("tf32", "mixed_precision")


def epochs(**settings: Any) -> Iterator[Report]:
    """The epochs of a training on noise."""
    config: Any = resolve(method, {**GIVEN, **settings}).config
    return train(config, NoiseRun(shape=SHAPE, count=IMAGES, device_name=DEVICE))


def seconds_of_next(reports: Iterator[Report]) -> float:
    since = perf_counter()
    next(reports)
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return perf_counter() - since


@pytest.mark.parametrize("option", OPTIONS)
def test_seconds_of_an_epoch_by_option(option: str) -> None:
    settings = OPTIONS[option]
    if DEVICE == "cpu" and not set(settings) - set(OF_A_GPU):
        pytest.skip(f"{option} changes nothing without a GPU")
    plain, changed = epochs(), epochs(**settings)
    first = seconds_of_next(plain), seconds_of_next(changed)
    ratios = []
    for pair in range(PAIRS):
        order = (plain, changed) if pair % 2 else (changed, plain)
        seconds = {id(reports): seconds_of_next(reports) for reports in order}
        ratios.append(seconds[id(plain)] / seconds[id(changed)])
    print(
        f"\n{option} on {DEVICE}: {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) times as fast "
        f"as plain float32 in {PAIRS} pairs of epochs; first epochs {first[0]:.1f} s and {first[1]:.1f} s"
    )
