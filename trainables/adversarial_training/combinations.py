"""Which techniques can't be combined, and what to do instead. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trainables.adversarial_training.perturbations.table import KINDS

WITH_STAGES = ("resnet18", "wide_resnet")
"""The networks that have stages, after which denoising blocks can be added."""


def refusal(config: Any) -> str:
    """Why a configuration's techniques contradict each other, a whole sentence; empty if they don't."""
    return next(_refusals(config), "")


def student_start(config: Any) -> int:
    """The number of epochs that train the teacher of a distillation; 0 without one."""
    if config.distillation == "none":
        return 0
    return int(config.epochs // 2 if config.teacher_epochs is None else config.teacher_epochs)


def validated_epochs(config: Any) -> set[int]:
    """The epochs, counted from 1, that end with a validation: each network's first, every n-th, and the last."""
    every = range(config.validate_every, config.epochs + 1, config.validate_every)
    return {1, student_start(config) + 1, config.epochs, *every}


def _refusals(config: Any) -> Iterator[str]:
    if config.compile_attack and config.compile == "off":
        yield "compile_attack needs a way to compile; give compile: default or cuda_graphs, or compile_attack: false"
    yield from _of_perturbation(config)
    yield from _of_distillation(config)
    if config.denoising != "none" and config.network not in WITH_STAGES:
        yield (
            f"denoising {config.denoising} follows the stages of {' or '.join(WITH_STAGES)}, and {config.network} has "
            "none; choose another network, or denoising: none"
        )
    if config.swa_start is not None and config.weight_average:
        yield (
            f"swa_start {config.swa_start:g} and weight_average {config.weight_average:g} are both averages of "
            "weights; give one of them, such as swa_start with weight_average: 0"
        )
    if config.awp_gamma and config.awp_warmup >= config.epochs:
        yield (
            f"awp_warmup {config.awp_warmup} leaves no epoch of {config.epochs} to awp_gamma; at most "
            f"{config.epochs - 1} is possible"
        )


def _of_perturbation(config: Any) -> Iterator[str]:
    kind = KINDS.get(config.perturbation)
    if kind is None:  # retired
        return
    if kind.name == "kl" and not config.random_start:
        yield (
            "perturbation kl needs its random start: at the image itself the divergence has no gradient; leave "
            "random_start out, or choose perturbation: sta"
        )
    if config.rung != "full_strength" and config.rung not in kind.rungs:
        known = ", ".join(("full_strength", *kind.rungs))
        yield f"rung {config.rung} has no meaning for perturbation {kind.name}; it has {known}"
    if config.objective == "trades" and kind.name == "none":
        yield "objective trades compares predictions of clean and perturbed images; choose a perturbation, such as kl"


def _of_distillation(config: Any) -> Iterator[str]:
    if config.distillation == "none":
        return
    teacher = student_start(config)
    if not 0 < teacher < config.epochs:
        yield (
            f"distillation trains a teacher for {teacher} and a student for {config.epochs - teacher} of "
            f"{config.epochs} epochs; give each at least one, such as teacher_epochs: {max(1, config.epochs // 2)} "
            f"with epochs: {max(2, config.epochs)}"
        )
    if config.objective == "trades":
        yield "distillation trains on the cross-entropy to the teacher; leave objective at cross_entropy"
    if config.label_smoothing:
        yield "distillation uses its own soft labels; leave label_smoothing at 0"
    if config.angular_margin:
        yield "an angular_margin needs labels, which the student of a distillation doesn't see; leave it at 0"
