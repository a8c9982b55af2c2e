"""The controls of MP after projection, on the gradients of a trained network: what each has in common with MP."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from trainables import adversarial_training
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.model import load
from trainables.adversarial_training.perturbations.controls import turn_at_random
from trainables.adversarial_training.perturbations.matched_sizes import angles, projected_to_size, rows, size_of
from trainables.adversarial_training.perturbations.perturber import Perturber
from trainables.contract import InProcessRun, resolve
from trainables.datasets import load as load_dataset

EPSILON = 0.15
GIVEN: dict[str, Any] = {"dataset": "digits", "tasks": ["odd_even"], "epochs": 3, "epsilon": EPSILON, "steps": 5}


def configured(**given: Any) -> Config:
    config = resolve(adversarial_training, {**GIVEN, "alpha0_max": 0.6, **given}, None, "quick").config
    assert isinstance(config, Config)
    return config


@lru_cache
def trained() -> tuple[Any, Tensor, Tensor]:
    """A network trained on MP for three epochs, and 100 of its training images, most of whose pixels are at a limit."""
    config = configured(perturbation="mp")
    *_, last = adversarial_training.train(config, InProcessRun())
    assert last.state is not None
    samples = splits(config, load_dataset("digits"), "cpu").train
    return load(config, last.state), *samples.__getitems__(list(range(100)))


def made(kind: str, **given: Any) -> Tensor:
    """Perturbations (N, D) in float64, as they are trained on."""
    model, images, labels = trained()
    eta = Perturber(configured(perturbation=kind, **given), 0, 7)(model, images, labels, EPSILON)
    assert eta.abs().max() <= EPSILON + 1e-7
    assert (images + eta).min() >= 0
    assert (images + eta).max() <= 1
    return rows(eta)


def degrees(eta: Tensor) -> Tensor:
    return angles(eta, made("sta")).rad2deg()


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_a_random_direction_has_the_size_of_mp_and_its_angle_to_sta(norm: Any) -> None:
    mp, turned = made("mp"), made(f"sta_random_direction_{norm}")
    other = "l2" if norm == "l1" else "l1"
    ratios = size_of(turned, norm) / size_of(mp, norm)
    print(
        f"\n{norm}: MP {float(mp.abs().mean() / EPSILON):.4f} ε, {float(size_of(mp, 'l2').mean()):.4f} in L2, "
        f"{float(degrees(mp).mean()):.2f}°; this {float(turned.abs().mean() / EPSILON):.4f} ε, "
        f"{float(size_of(turned, 'l2').mean()):.4f} in L2, {float(degrees(turned).mean()):.2f}°"
    )
    assert ratios.min() > 0.99
    assert ratios.max() < 1.01
    assert (degrees(turned) - degrees(mp)).abs().max() < 0.1
    assert degrees(mp).mean() > 20, "the test would show nothing"
    assert (size_of(turned, other) / size_of(mp, other) - 1).abs().max() > 0.01, "one factor can't match both"
    apart = angles(turned, mp).rad2deg()
    assert apart.min() > 5, "and another direction than MP's"


def test_rescaled_mp_and_shrunk_sta_match_after_projection() -> None:
    sta, mp = made("sta"), made("mp")
    ratios = size_of(made("mp_rescaled"), "l1") / size_of(sta, "l1")
    assert ratios.min() > 0.99
    assert ratios.max() < 1.01
    assert (size_of(mp, "l1") / size_of(sta, "l1")).mean() < 0.95, "the test would show nothing"
    assert float(made("sta_shrunk").abs().mean()) == pytest.approx(float(mp.abs().mean()), rel=1e-5)


def test_a_size_that_no_factor_reaches_is_as_large_as_can_be() -> None:
    pixels = torch.tensor([[0.5, 0.5, 0.0, 1.0]], dtype=torch.float64)
    direction = torch.tensor([[1e-6, -1.0, -1.0, 1.0]], dtype=torch.float64)
    found = projected_to_size(direction, pixels, 0.1, torch.tensor([5.0]), "l1")
    assert found.tolist() == [[0.1, -0.1, 0.0, 0.0]], "0 can't fall and 1 can't rise"
    assert projected_to_size(direction, pixels, 0.1, torch.zeros(1), "l2").abs().max() == 0
    exact = projected_to_size(direction, pixels, 0.1, torch.tensor([0.12]), "l1")
    assert float(exact.abs().sum()) == pytest.approx(0.12)


def test_without_a_main_perturbation_the_direction_is_uniform() -> None:
    draw = torch.Generator().manual_seed(0)
    mixed, normal = (torch.randn(50, 1, 8, 8, generator=draw) * 1e-3 for _ in range(2))
    images, none = torch.full_like(mixed, 0.5), torch.zeros_like(mixed)
    turned = turn_at_random(mixed, none, normal, images, 0.1, "l2")
    torch.testing.assert_close(rows(turned).norm(dim=1), rows(mixed).norm(dim=1), rtol=1e-4, atol=0)
    assert torch.cosine_similarity(turned.flatten(1), normal.flatten(1)).min() > 0.999
    assert turn_at_random(none, mixed, normal, images, 0.1, "l1").abs().max() == 0


@pytest.mark.parametrize("kind", ["sta", "mta", "mp", "sta_random_direction_l1", "sta_random_direction_l2"])
def test_both_sizes_and_the_angle_are_reported(kind: str) -> None:
    *_, last = adversarial_training.train(configured(perturbation=kind, epochs=1, epsilon_warmup=0), InProcessRun())
    sizes = {name: last.metrics.get(f"train/perturbation_{name}") for name in ("size", "l1", "l2", "angle")}
    assert sizes["size"] == sizes["l1"]
    assert sizes["l1"] is not None
    assert sizes["l2"] is not None
    assert 0.3 < sizes["l1"] < sizes["l2"] < 1, "the root mean square is the larger one"
    if kind == "mta":
        assert sizes["angle"] is None, "what STA's would be isn't known"
    else:
        assert sizes["angle"] == pytest.approx(0 if kind == "sta" else 30, abs=1e-4 if kind == "sta" else 15)
    assert all(name in adversarial_training.METRICS for name in last.metrics)


def test_the_retired_control_is_read_from_stored_trials_and_not_trained_any_more() -> None:
    stored = configured(perturbation="mp").model_dump(mode="json") | {"perturbation": "sta_random_direction"}
    config = Config.model_validate(stored)
    assert config.model_dump(mode="json") == stored
    assert adversarial_training.estimate(config)[0] > 0
    with pytest.raises(ValidationError, match="use sta_random_direction_l2 or sta_random_direction_l1"):
        configured(perturbation="sta_random_direction")
    with pytest.raises(ValueError, match="use sta_random_direction_l2 or sta_random_direction_l1"):
        Perturber(config, 0, 0)
    with pytest.raises(ValidationError, match="'sta', 'mta', 'mp'"):
        Config.model_validate(stored | {"perturbation": "sta_random_directions"})
    assert "sta_random_direction" not in str(Config.model_json_schema()).replace("sta_random_direction_", "")
