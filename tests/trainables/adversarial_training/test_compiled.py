"""The compiled network: the same attacks and the same training as without, and a state that loads anywhere."""

from __future__ import annotations

import shutil

import pytest
import torch

from trainables import adversarial_training as method
from trainables.adversarial_training.model import build, compiled
from trainables.attacks.algorithms.stacked import attack_tasks
from trainables.attacks.frozen import frozen
from trainables.contract import InProcessRun, resolve

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU"),
]
GIVEN = {"dataset": "digits", "tasks": ["odd_even"], "perturbation": "mp", "width": 2, "epochs": 1, "steps": 2}


@pytest.mark.parametrize("how", ["default", "cuda_graphs"])
def test_attacks_on_the_compiled_network_are_those_on_the_plain_one(how: str) -> None:
    config = resolve(method, {**GIVEN, "compile": how}).config
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(12, 1, 8, 8, generator=generator, dtype=torch.float64)
    labels = torch.randint(2, (12, 2), generator=generator)
    noise = torch.rand(2, 12, 1, 8, 8, generator=generator, dtype=torch.float64)
    found = []
    for wanted in ("off", how):
        model = compiled(build(config, (1, 8, 8), (10, 2), seed=0).double(), wanted)  # type: ignore[arg-type]
        assert hasattr(model.trunk, "_torchdynamo_orig_callable") == (wanted != "off")
        with frozen(model):
            attacked = attack_tasks(
                model, images, labels, [[0], [1]], epsilon=0.1, step_size=0.02, steps=5, noise=noise
            )
        found.append(attacked)
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=1e-12)


def test_a_compiled_trial_ends_as_a_plain_one_and_its_state_loads_without_a_compiler() -> None:
    ends = {}
    for how in ("off", "default"):
        config = resolve(method, {**GIVEN, "compile": how, "train_size": 200, "attack_steps": 2}).config
        *_, ends[how] = method.train(config, InProcessRun())
    plain, fast = ends["off"], ends["default"]
    assert fast.metrics["train/loss"] == pytest.approx(plain.metrics["train/loss"], rel=1e-4)
    assert fast.state is not None
    assert plain.state is not None
    assert fast.state["model"].keys() == plain.state["model"].keys()
    loaded = method.load(resolve(method, GIVEN).config, fast.state)
    assert not hasattr(loaded.trunk, "_torchdynamo_orig_callable")
