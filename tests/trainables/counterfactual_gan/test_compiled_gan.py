"""Compiled networks: the same training as without, and a state that loads anywhere."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from trainables import counterfactual_gan as method
from trainables.contract import InProcessRun, Report, resolve
from trainables.counterfactual_gan.training import networks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU"),
]
GIVEN: dict[str, Any] = {
    "train_size": 60, "test_size": 24, "batch_size": 20, "image_size": 16, "generator_width": 4, "epochs": 1,
    "generator_levels": 2, "discriminator_width": 4, "judge_width": 4, "judges": 1, "judge_epochs": 1,
    "noise_channels": 0, "dropout": 0.0, "half_cycles": 2, "generator_average": 0.5,
}  # fmt: skip


def test_a_compiled_trial_ends_as_a_plain_one_and_its_state_loads_without_a_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    original = networks.Networks.average

    def noted(self: Any, run: Any, **stepped: bool) -> None:
        seen.append(run.unwrap(self.generator)._compiled_call_impl is not None)
        original(self, run, **stepped)

    monkeypatch.setattr(networks.Networks, "average", noted)
    ends: dict[str, Report] = {}
    for how in ("off", "default"):
        seen.clear()
        *_, ends[how] = method.train(resolve(method, {**GIVEN, "compile": how}).config, InProcessRun())
        assert set(seen) == {how == "default"}
    plain, fast = ends["off"], ends["default"]
    for name in ("loss.discriminator", "loss.adversarial", "loss.sparsity"):
        assert fast.metrics[f"train/{name}"] == pytest.approx(plain.metrics[f"train/{name}"], rel=1e-3)
    assert fast.state is not None
    assert plain.state is not None
    for name in ("generator", "discriminator", "generator_average"):
        assert fast.state[name].keys() == plain.state[name].keys()
    assert method.load(resolve(method, GIVEN).config, fast.state).generator._compiled_call_impl is None
