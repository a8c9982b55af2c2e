"""Build the network of a configuration, and carry it through a `state`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch

from trainables.adversarial_training.config import Config
from trainables.attacks.algorithms.compiled_step import CompiledStep
from trainables.input_transformations.preprocessing import Preprocessing
from trainables.input_transformations.strengths import Strengths
from trainables.input_transformations.table import NONE
from trainables.models.building import build_network
from trainables.models.multi_task import MultiTaskNetwork
from trainables.randomness import stream_seed


def build(
    config: Config, shape: Sequence[int], classes: Sequence[int], seed: int, purpose: str = "init"
) -> MultiTaskNetwork:
    """A fresh network for images (C, H, W) and these class counts per task, initialised from `seed` alone.

    `purpose`: names the random stream of its weights, where a trial has several networks.
    """
    with torch.random.fork_rng(devices=[]):  # initialisers use the global generator, whose state must not change
        torch.manual_seed(stream_seed(seed, purpose))
        model = build_network(
            config.network, shape, classes, config.width, config.depth, config.depth_rule, config.denoising
        )
    model.dropout = config.dropout
    if config.preprocessing != NONE:
        in_training = config.preprocessing_in == "training_and_test"
        model.preprocessing = Preprocessing(
            config.preprocessing, Strengths.of(config), draws=config.eot_draws, in_training=in_training
        )
    if config.head == "angular":
        model.use_angular_heads(config.angular_scale)
    return model


def load(config: Config, state: Mapping[str, Any]) -> MultiTaskNetwork:
    """The network of a stored state, on the CPU, in eval mode; needs no dataset.

    Where weights were averaged, the average, which is what was validated.
    """
    model = build(config, state["shape"], state["classes"], seed=0)
    model.load_state_dict(state.get("average", state["model"]))
    return model.eval()


def compiled(
    model: MultiTaskNetwork, how: Literal["off", "default", "cuda_graphs"], *, attack_step: bool = False
) -> MultiTaskNetwork:
    """The same network, its trunk compiled in place for training and attacks; its state keeps its names.

    `attack_step`: steps of its attack in training are compiled, too, each whole. What a process has compiled for
    earlier trials is forgotten: torch compiles a function for a few networks only, and a worker serves many trials.
    """
    if how == "off":
        return model
    torch.compiler.reset()
    mode = "reduce-overhead" if how == "cuda_graphs" else "default"
    model.trunk = torch.compile(model.trunk, mode=mode)  # type: ignore[method-assign]
    model.attack_step = CompiledStep(mode) if attack_step else None
    return model
