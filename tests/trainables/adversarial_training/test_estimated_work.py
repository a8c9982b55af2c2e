"""What a trial is estimated to compute and store, held to the network that is built and the state that is stored."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch import nn

from trainables import adversarial_training as method
from trainables.adversarial_training.cost import (
    FORWARD_AND_ALL,
    FORWARD_AND_INPUT,
    STANDING,
    facts_of,
    network_size,
    passes,
)
from trainables.adversarial_training.model import build
from trainables.contract import InProcessRun, resolve
from trainables.datasets.errors import DataError
from trainables.datasets.registry import KNOWN
from trainables.models.sizes import Size

TASKS = ["odd_even", "prime_composite"]


def config(scale: str | None = None, **given: Any) -> Any:
    return resolve(method, given, None, scale).config


@pytest.mark.parametrize(
    ("given", "shape", "classes"),
    [
        ({"dataset": "digits", "tasks": TASKS, "width": 3}, (1, 8, 8), (10, 2, 2)),
        ({"dataset": "mnist", "width": 16}, (1, 28, 28), (10,)),
        (
            {"dataset": {"folder": "mine", "size": [12, 20]}, "tasks": {"t": {"A": 0, "default": 1}}},
            (3, 12, 20),
            (3, 2),
        ),
        ({"dataset": "mnist", "network": "resnet18", "width": 2, "tasks": TASKS}, (1, 28, 28), (10, 2, 2)),
        ({"dataset": "mnist", "network": "resnet18", "width": 3, "image_size": 17}, (1, 17, 17), (10,)),
        ({"dataset": "mnist", "network": "alexnet", "width": 2, "tasks": TASKS}, (1, 28, 28), (10, 2, 2)),
        ({"dataset": "mnist", "network": "alexnet", "width": 1, "image_size": 112}, (1, 112, 112), (10,)),
        (
            {"dataset": {"folder": "mine", "size": [48, 64]}, "network": "alexnet", "width": 2},
            (3, 48, 64),
            (3,),
        ),
        ({"dataset": "mnist", "network": "resnet18", "width": 2, "denoising": "mean"}, (1, 28, 28), (10,)),
        ({"dataset": "digits", "network": "wide_resnet", "depth": 8, "denoising": "median"}, (1, 8, 8), (10,)),
        ({"dataset": "mnist", "network": "wide_resnet", "width": 1, "tasks": TASKS}, (1, 28, 28), (10, 2, 2)),
        (
            {"dataset": "digits", "network": "wide_resnet", "width": 2, "depth": 10, "depth_rule": "zagoruyko"},
            (1, 8, 8),
            (10,),
        ),
    ],
)
def test_the_network_is_counted_as_it_is_built(given: Any, shape: Any, classes: Any) -> None:
    for name in "ABC":
        Path("mine", name).mkdir(parents=True)
        Path("mine", name, "one.png").touch()
    wanted = config(**given)
    model = build(wanted, shape, classes, seed=0)
    counted = 0

    def count(layer: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        nonlocal counted
        counted += layer.weight[0].numel() * output.numel()

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    model(torch.zeros(1, *shape))
    assert network_size(wanted) == Size(counted, sum(weights.numel() for weights in model.parameters()))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "momentum": 0.9},
        {"network": "resnet18", "width": 8},
        {"network": "wide_resnet", "width": 2, "depth": 14},
        {"swa_start": 0.0},
    ],
)
def test_the_state_is_as_large_as_estimated(given: dict[str, Any]) -> None:
    small = config(tasks=TASKS, epochs=1, steps=0, attack_steps=1, train_size=50, test_size=20, **given)
    [report] = method.train(small, InProcessRun())
    stored = io.BytesIO()
    torch.save(report.state, stored)
    assert method.estimate(small)[1] == pytest.approx(len(stored.getvalue()), rel=0.1)


def test_work_grows_with_what_is_attacked() -> None:
    sta, mp = (method.estimate(config(tasks=TASKS, perturbation=name))[0] for name in ("sta", "mp"))
    assert 1.5 < mp / sta < 3
    assert method.estimate(config(tasks=TASKS, perturbation="sta_shrunk"))[0] == mp
    assert method.estimate(config("full", dataset="mnist"))[0] > 1000 * method.estimate(config(dataset="mnist"))[0]


def test_passes_count_images_and_steps_of_attacks() -> None:
    given = {
        "dataset": "mnist", "epochs": 3, "steps": 7, "train_size": 100, "test_size": 50,
        "attacks": "pgd", "attack_steps": 20,
    }  # fmt: skip
    found = passes(config(**given))
    assert found == (3 * 100, 3 * 100 * 7 + (3 * 10 + 50) * 20)
    for rung, steps in (("few_steps", 3), ("single_step", 1), ("bfloat16", 7)):
        assert passes(config(**given, rung=rung))[1] == found[1] - 300 * (7 - steps)


def test_passes_count_what_techniques_take() -> None:
    given = {
        "dataset": "mnist", "epochs": 4, "steps": 7, "train_size": 100, "test_size": 50,
        "attacks": "pgd", "attack_steps": 20,
    }  # fmt: skip
    images, steps = passes(config(**given))
    measured = steps - 400 * 7
    assert passes(config(**given, perturbation="none")) == (images, measured)
    assert passes(config(**given, perturbation="gaussian")) == (images, measured)
    # FGSM, PGD, and the gradients at two points with a clean prediction, of ten held-out images
    watched = 4 * 10 * (20 + 4)
    assert passes(config(**given, perturbation="n_fgsm")) == (images, measured + 400 + watched)
    assert passes(config(**given, objective="trades")) == (2 * images, measured + 400 * 7.5)
    assert passes(config(**given, awp_gamma=0.01, awp_warmup=1)) == (1.75 * images, steps)
    assert passes(config(**given, augmix=True)) == (3 * images, steps)
    assert passes(config(**given, augmix=True, jsd_weight=0)) == (images, steps)
    assert passes(config(**given, preprocessing="random_noise", eot_draws=5)) == (images, 400 * 7 + 5 * measured)
    assert passes(config(**given, preprocessing="jpeg")) == (images, steps)
    distilled = passes(config(**given, distillation="defensive", teacher_epochs=1))
    assert distilled == (images, steps + 300 * 0.5)
    certified = passes(config(**given, analyses=["certification"], certification_images=20, certification_draws=900))
    assert certified == (images, steps + 20 * 1_000 / 2)


def test_a_non_local_block_is_counted_with_its_products_of_places() -> None:
    shape, width, sizes = (1, 8, 8), 2, {}
    for operation in ("mean", "non_local"):
        sizes[operation] = network_size(config(dataset="digits", network="resnet18", width=width, denoising=operation))
    model = build(config(dataset="digits", network="resnet18", width=width, denoising="non_local"), shape, (10,), 0)
    assert sizes["non_local"].parameters == sum(weights.numel() for weights in model.parameters())
    embeddings = products = 0
    for stage, side in enumerate((8, 4, 2, 1)):
        channels = width * 2**stage
        embeddings += 2 * channels * (channels // 2) * side**2
        products += side**4 * (channels // 2 + channels)
    assert sizes["non_local"].macs - sizes["mean"].macs == embeddings + products


def test_every_evaluation_attack_has_steps_of_its_own() -> None:
    sizes = {"dataset": "mnist", "epochs": 1, "steps": 0, "train_size": 100, "test_size": 50, "attack_steps": 20}
    given = sizes | {"validation_attacks": "all"}
    one = {
        attack: passes(config(**given, attack_restarts=2, l2_iterations=30, attacks=["pgd", attack]))[1] - 60 * 40
        for attack in ("fgsm", "pgd_targeted", "cw_linf", "cw_l2")
    }
    # validation has 10 images and leaves cw_l2 out
    assert one == {"fgsm": 60 * 1, "pgd_targeted": 60 * 40, "cw_linf": 60 * 40, "cw_l2": 50 * 9 * 30}
    three = {"attacks": ["pgd", "pgd_targeted", "cw_linf"]}
    first = passes(config(**sizes, **three))[1]
    assert passes(config(**given, **three))[1] - first == 10 * 2 * 20, "validation takes one alone"
    both = {"tasks": TASKS, "threat_models": ["main_head", "all_heads"], "attacks": "pgd"}
    assert passes(config(**given, **both))[1] == 2 * passes(config(**given, attacks="pgd"))[1]


def test_sets_are_counted_on_what_is_assumed_to_be_left_standing() -> None:
    sizes = {"dataset": "mnist", "epochs": 1, "steps": 0, "train_size": 100, "test_size": 50, "attack_steps": 20}
    validation = 10 * 20  # the cheapest of a set, with attack_steps
    one = passes(config(**sizes, attacks="standard"))[1] - validation
    assert one == 50 * (100 + STANDING * (900 + 9 * 150 + 2_500)), "the first attack meets all"
    beside = passes(config(**sizes, attacks=["pgd", "standard"]))[1] - validation
    assert beside == 50 * (20 + STANDING * (100 + 900 + 9 * 150 + 2_500))
    ladder = (
        passes(config(**sizes, attacks="pgd", analyses="budget_ladder"))[1] - passes(config(**sizes, attacks="pgd"))[1]
    )
    assert ladder == 50 * STANDING * (20 + 100 + 5 * 100)


@pytest.mark.parametrize("dataset", [*(name for name, known in KNOWN.items() if known.attack is not None), None])
def test_a_quick_evaluation_costs_at_most_twice_the_training(dataset: str | None) -> None:
    """Of the selected and the last checkpoint together, by the costs in the table, on 300 images at least."""
    given = {"dataset": dataset or {"parquet": {"train": "absent.parquet", "test": "absent.parquet"}}}
    settings = config("quick", **given)
    assert settings.attacks == ("quick",)
    tested = min(settings.test_size or 10**9, facts_of(settings.dataset).test)
    assert tested >= 300
    without = config("quick", **given, attacks="fgsm", test_size=1)
    trained, attacked = passes(without)
    training = FORWARD_AND_ALL * trained + FORWARD_AND_INPUT * attacked
    checkpoints = 2
    evaluation = FORWARD_AND_INPUT * (passes(settings)[1] - passes(config("quick", **given, test_size=1))[1])
    assert checkpoints * evaluation <= 2 * training


@pytest.mark.parametrize(
    ("analyses", "attacks"), [(["misled_heads"], 4), (["angles"], 6), (["angles", "misled_heads"], 6)]
)
def test_analyses_attack_a_thousand_test_images_at_most(analyses: list[str], attacks: int) -> None:
    given = {"dataset": "mnist", "tasks": TASKS, "attack_steps": 20, "attacks": "pgd"}
    for tested in (50, 5000):
        plain = passes(config(**given, test_size=tested))[1]
        assert (
            passes(config(**given, test_size=tested, analyses=analyses))[1] - plain == min(tested, 1000) * attacks * 20
        )
    assert passes(config(**given, analyses=["epoch_seconds"])) == passes(config(**given))


def test_own_images_are_counted_without_opening_them() -> None:
    wanted = {"dataset": {"folder": "mine"}, "epochs": 1, "steps": 1, "attacks": "pgd", "attack_steps": 1}
    assert passes(config(**wanted))[0] == 5000 * 0.9, "data that isn't there is assumed to be of some size"
    for name in ("train/A", "train/B", "test/A"):
        Path("mine", name).mkdir(parents=True)
        for number in range(50):
            Path("mine", name, f"{number}.png").touch()
    assert passes(config(**wanted)) == (90, 90 + 10 + 50)
    Path("mine/train").rename("mine/Training")
    Path("outer").mkdir()
    Path("mine").rename("outer/mine")
    assert passes(config(**{**wanted, "dataset": {"folder": "outer"}})) == (90, 90 + 10 + 50), "found as it is loaded"
    wanted["dataset"] = {"parquet": {"train": "mine.parquet", "test": "mine.parquet"}}
    Path("mine.parquet").write_bytes(b"rubbish")
    assert passes(config(**wanted))[0] == 5000 * 0.9
    pq.write_table(pa.table({"label": list(range(200))}), "mine.parquet")
    assert passes(config(**wanted)) == (180, 180 + 20 + 200)


def test_what_cannot_be_trained_is_said_before_anything_starts() -> None:
    method.check(config(tasks=TASKS), InProcessRun())
    with pytest.raises(DataError, match="nowhere does not exist"):
        method.check(config(dataset={"folder": "nowhere"}), InProcessRun())


def test_images_too_small_for_the_network_are_refused_where_their_size_is_known() -> None:
    small = "alexnet pools, and needs images of at least 21×21 pixels, not 8×8"
    with pytest.raises(ValidationError, match=f"{small}; set a larger image_size, or choose another network"):
        config(network="alexnet")
    config(network="alexnet", image_size=21)
    for label, name in enumerate(("A", "B")):
        Path("mine", name).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (8, 8), 20 * number + label).save(Path("mine", name, f"{number}.png"))
    with pytest.raises(DataError, match=small):
        method.check(config(dataset={"folder": "mine"}, network="alexnet"), InProcessRun())
