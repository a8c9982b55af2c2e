"""Two real ranks train a BatchNorm network as one worker trains it on the joint batch, in float64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.joint_computations import (
    GAN,
    GANS,
    LABELS,
    LAYERS,
    NETWORKS,
    TRAINED,
    everything,
)
from tests.support.rank_processes import run_ranks
from trainables import adversarial_training, counterfactual_gan
from trainables.adversarial_training.model import build
from trainables.contract import resolve
from trainables.counterfactual_gan.model import generator_of
from trainables.models.generators.generator import Generator
from trainables.models.joint_batch_norm import JointBatchNorm, with_joint_statistics
from trainables.randomness import BatchPart, Share

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def one() -> dict[str, Any]:
    """What one worker comes to."""
    return everything()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two ranks comes to."""
    return run_ranks(everything, tmp_path_factory.mktemp("ranks") / "two", seconds=480)


def difference(here: Tensor, wanted: Tensor) -> float:
    """The largest difference as a share of the largest wanted value."""
    assert here.dtype == wanted.dtype
    return float((here - wanted).abs().max() / wanted.abs().max().clamp(min=1e-300))


def assert_alike(here: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """Equal to 1e-8 of the size of the largest value of a tensor; what is rounding alone is as small."""
    assert here.keys() == wanted.keys()
    largest = max(float(tensor.abs().max()) for tensor in wanted.values())
    assert largest > 1e-4, "nothing to compare"
    for name, tensor in wanted.items():
        apart = float((here[name] - tensor).abs().max())
        assert apart <= 1e-8 * max(float(tensor.abs().max()), 1e-6 * largest), f"{name} differs by {apart:g}"


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("part", ["gradients", "weights"])
def test_training_is_that_of_one_worker(
    network: str, part: str, one: dict[str, Any], two: list[dict[str, Any]]
) -> None:
    for rank in two:
        assert_alike(rank["trained"][network][part], one["trained"][network][part])


def test_teacher_student_and_average_are_the_same_on_every_rank_and_those_of_one_worker_but_for_rounding(
    one: dict[str, Any], two: list[dict[str, Any]]
) -> None:
    first, second = (rank["distilled"] for rank in two)
    assert first["metrics"] == second["metrics"]
    for part, tensors in one["distilled"]["state"].items():
        for name, tensor in tensors.items():
            assert torch.equal(first["state"][part][name], second["state"][part][name])
            torch.testing.assert_close(first["state"][part][name], tensor, rtol=0.02, atol=2e-3)


def test_statistics_of_every_rank_alone_would_be_another_training(
    one: dict[str, Any], two: list[dict[str, Any]]
) -> None:
    name = "stem.weight"
    wanted = one["trained"]["resnet18"]["gradients"][name]
    assert difference(two[0]["apart"]["gradients"][name], wanted) > 0.05


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("form", GANS)
def test_a_gan_update_is_that_of_one_worker(
    form: str, labels: str, one: dict[str, Any], two: list[dict[str, Any]]
) -> None:
    for rank in two:
        for part in ("gradients", "weights", "losses"):
            assert_alike(rank["updated"][form, labels][part], one["updated"][form, labels][part])


def test_a_step_on_masks_is_that_of_one_worker(one: dict[str, Any], two: list[dict[str, Any]]) -> None:
    for rank in two:
        assert_alike(rank["segmented"], one["segmented"])


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_normalises_as_batch_norm_does_the_joint_batch(
    layer: str, one: dict[str, Any], two: list[dict[str, Any]]
) -> None:
    for number, rank in enumerate(two):
        rows = {name: tensor[number::2] for name, tensor in one["normalised"][layer]["rows"].items()}
        assert_alike(rank["normalised"][layer]["rows"], rows)
        for name, tensor in one["normalised"][layer]["whole"].items():
            torch.testing.assert_close(rank["normalised"][layer]["whole"][name], tensor, rtol=1e-10, atol=1e-12)


def test_an_attack_waits_for_no_rank(two: list[dict[str, Any]]) -> None:
    assert two[0]["attacked"] == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize("measured", ["validated", "tested"])
def test_ranks_share_the_attacks_on_a_split_and_come_to_what_one_worker_does(
    measured: str, one: dict[str, Any], two: list[dict[str, Any]]
) -> None:
    alone = one[measured]
    for rank in two:
        assert rank[measured]["metrics"] == alone["metrics"]
        assert rank[measured]["arrays"].keys() == alone["arrays"].keys()
        assert all(torch.equal(rank[measured]["arrays"][name], array) for name, array in alone["arrays"].items())
    attacked = [rank[measured]["images"] - alone["n"] for rank in two]
    assert sum(attacked) == alone["images"] - alone["n"], "beside the clean pass, no image was seen twice"
    assert max(attacked) < 0.6 * sum(attacked)


def test_ranks_share_a_gans_validation_and_come_to_what_one_worker_does(
    one: dict[str, Any], two: list[dict[str, Any]]
) -> None:
    alone = one["looked at"]
    for rank in two:
        for name, rows in alone["rows"].items():
            assert torch.equal(rank["looked at"]["rows"][name], rows), f"{name}: the same draws, image by image"
        assert torch.equal(rank["looked at"]["marked"], alone["marked"])
        assert rank["looked at"]["scores"] == pytest.approx(alone["scores"], rel=1e-12)
        assert rank["looked at"]["images"] < 0.75 * alone["images"], "no rank looks at all"
    assert alone["n"] > 100


def test_noise_dropout_and_augmentation_are_those_of_one_worker(one: dict[str, Any], two: list[dict[str, Any]]) -> None:
    """In float32, where sums in another order are not quite the same: other draws would be far off."""
    names = [name for name in one["whole gan"] if name.startswith("train/loss")]
    assert len(names) == 5
    for rank in two:
        assert {name: rank["whole gan"][name] for name in names} == pytest.approx(
            {name: one["whole gan"][name] for name in names}, rel=1e-3
        )


def test_a_generator_draws_its_own_part() -> None:
    config: Any = resolve(counterfactual_gan, {**GAN, "dropout": 0.5, "noise_channels": 1}).config
    generator: Generator = generator_of(config, (1, 16, 16), 0).double().eval()
    images = torch.rand(7, 1, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def made(part: BatchPart | None, shown: Tensor) -> Tensor:
        generator.share_draws(part)
        with torch.random.fork_rng():
            torch.manual_seed(3)
            return generator(shown).images

    whole = made(None, images)
    for rank in range(3):
        part = BatchPart(Share(rank, 3), 7)
        torch.testing.assert_close(made(part, images[rank::3]), whole[rank::3], rtol=1e-10, atol=1e-12)
    assert not torch.allclose(made(None, images[1::3]), whole[1::3], atol=1e-4), "else nothing was drawn"


def test_on_cuda_it_is_torch_that_synchronises() -> None:
    """torch's layer refuses a CPU's tensors, but converts there, keeping weights and statistics."""
    model = build(resolve(adversarial_training, {**TRAINED, "network": "resnet18"}).config, (1, 8, 8), (10,), seed=0)  # type: ignore[arg-type]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    on_cuda = with_joint_statistics(model, torch.device("cuda"))
    assert sum(isinstance(module, nn.SyncBatchNorm) for module in on_cuda.modules()) == norms > 10
    assert all(torch.equal(value, before[name]) for name, value in on_cuda.state_dict().items())


def test_a_layer_is_replaced_in_place_and_needs_no_process_group_to_be_evaluated() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2)), nn.GroupNorm(1, 2))
    names, images = list(model.state_dict()), torch.rand(3, 1, 5, 5)
    weights = list(model.parameters())
    wanted = model.eval()(images)
    joint = with_joint_statistics(model, torch.device("cpu"))
    assert isinstance(joint[1][0], JointBatchNorm)  # type: ignore[index]
    assert list(joint.state_dict()) == names
    assert all(mine is theirs for mine, theirs in zip(joint.parameters(), weights, strict=True))
    assert torch.equal(joint(images), wanted)
