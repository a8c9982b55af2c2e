"""Two real ranks train a BatchNorm network as one worker trains it on the joint batch, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.methods.fake_methods import double
from tests.support.rank_processes import Doubles, rank_run, run_ranks
from trainables import adversarial_training, counterfactual_gan
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.evaluation.evaluation import measure
from trainables.adversarial_training.model import build
from trainables.adversarial_training.perturbations.perturber import Perturber
from trainables.contract import resolve
from trainables.counterfactual_gan.model import discriminator_of, generator_of
from trainables.counterfactual_gan.training.updates import update
from trainables.joint_batch import JointBatch
from trainables.models.joint_batch_norm import JointBatchNorm, total_over_ranks, with_joint_statistics
from trainables.segmentation.loop import segmentation_loss

pytestmark = pytest.mark.long

TRAINED = {
    "dataset": "digits",
    "tasks": ["odd_even"],
    "perturbation": "mp",
    "steps": 3,
    "train_size": 65,
    "batch_size": 25,
    "optimizer": "sgd",
    "lr": 0.05,
    "width": 2,
    "epochs": 1,
    "epsilon_warmup": 0,
}
"""Three batches, the last of 15 images: 8 and 7 on two ranks."""
NETWORKS: dict[str, dict[str, Any]] = {
    "resnet18": {"network": "resnet18"},
    "wide_resnet": {"network": "wide_resnet", "width": 1, "depth": 8},
    "trades": {"network": "resnet18", "objective": "trades", "perturbation": "kl"},
    "weight_perturbation": {"network": "resnet18", "awp_gamma": 0.05},
    "augmix": {"network": "resnet18", "augmix": True},
    "denoising": {"network": "resnet18", "perturbation": "n_fgsm", "denoising": "non_local"},
    "gaussian": {"network": "resnet18", "perturbation": "gaussian", "label_smoothing": 0.1},
}
DISTILLED = {
    **TRAINED,
    "tasks": [],
    "perturbation": "none",
    "distillation": "defensive",
    "swa_start": 0.0,
    "network": "resnet18",
    "epochs": 3,
    "teacher_epochs": 1,
    "attacks": ["pgd"],
    "attack_steps": 2,
    "patience": 3,
    "analyses": ["catastrophic_overfitting"],
}
GAN = {
    "generator_width": 4,
    "discriminator_width": 4,
    "generator_levels": 2,
    "image_size": 16,
    "dropout": 0.0,
    "noise_channels": 0,
    "norm": "batch",
    "half_cycles": 2,
    "lambda_c": 0.5,
    "lambda3": 0.7,
}
GANS: dict[str, dict[str, Any]] = {
    "flip": {},
    "two_term": {"generator_loss": "two_term", "fake_weight": "mean"},
    "printed": {"generator_loss": "printed"},
    "classifiers": {"adversarial": False},
}
LABELS = {
    "mixed": [0, 1, 1, 0, 1, 1, 0],
    "one class a rank": [0, 1, 0, 1, 0, 1, 0],  # ranks take every second image
}
ATTACKED = {
    "dataset": "digits",
    "width": 2,
    "train_size": 200,
    "validation_fraction": 0.5,
    "attack_steps": 3,
    "attacks": ["pgd", "pgd_targeted", "quick"],
    "validation_attacks": "all",
    "tasks": ["odd_even"],
}


def trained(network: str, *, joint: bool = True) -> dict[str, dict[str, Tensor]]:
    """Gradients, weights and running statistics after the batches of an epoch of the product's training step."""
    config = resolve(adversarial_training, {**TRAINED, **NETWORKS[network]}).config
    [report] = double.train(config, rank_run(3, joint=joint))  # type: ignore[arg-type]
    assert report.state is not None
    return {part: dict(report.state[part]) for part in ("gradients", "weights")}


def distilled() -> dict[str, Any]:
    """The stored state of a student, its average and its teacher, and what its last epoch reported."""
    config: Any = resolve(adversarial_training, DISTILLED).config
    *_, last = adversarial_training.train(config, rank_run(3))
    assert last.state is not None
    parts = {part: dict(last.state[part]) for part in ("model", "average", "teacher")}
    return {"state": parts, "metrics": dict(last.metrics)}


def updated(form: str, labels: str) -> dict[str, dict[str, Tensor]]:
    """Gradients and weights of both networks after one update of the product on seven images."""
    config: Any = resolve(counterfactual_gan, {**GAN, **GANS[form]}).config
    run = rank_run()
    shape = (1, 16, 16)
    networks = [run.prepare(made(config, shape, 0).double()) for made in (generator_of, discriminator_of)]
    optimizers = [torch.optim.SGD(network.parameters(), 0.01) for network in networks]
    images = torch.rand(7, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    mine = slice(run.rank, None, run.world_size)
    of_mine = torch.tensor(LABELS[labels])[mine]
    losses = update(
        config, *networks, *optimizers, images[mine], of_mine, run.unwrap, joint=JointBatch.of(of_mine, run)
    )
    bare = {name: run.unwrap(network) for name, network in zip("GD", networks, strict=True)}
    return {
        "gradients": {f"{n}.{w}": t.grad for n, net in bare.items() for w, t in net.named_parameters()},  # type: ignore[misc]
        "weights": {f"{n}.{w}": t.detach() for n, net in bare.items() for w, t in net.state_dict().items()},
        "losses": {name: torch.tensor(run.mean(float(value))) for name, value in losses.named()},
    }


def normalised(layer: str) -> dict[str, Tensor]:
    """What a layer makes of features of this rank, its gradients, and its running statistics after two batches."""
    run = rank_run()
    norm = LAYERS[layer]().double()
    draw = torch.Generator().manual_seed(2)
    features = [torch.randn(SHAPES[layer], generator=draw, dtype=torch.float64) for _ in range(2)]
    weights = torch.randn(SHAPES[layer], generator=draw, dtype=torch.float64)
    used = with_joint_statistics(norm, run.device) if run.world_size > 1 else norm
    mine = slice(run.rank, None, run.world_size)
    inputs = [each[mine].clone().requires_grad_() for each in features]
    made = [used(each) for each in inputs]
    (made[0] * weights[mine] + made[1].square() * weights[mine]).sum().backward()
    parameters = {name: run.total(weight.grad) for name, weight in used.named_parameters()}
    here = {
        f"{part} {i}": t for part, some in (("out", made), ("in", [e.grad for e in inputs])) for i, t in enumerate(some)
    }
    return {"rows": {n: t.detach() for n, t in here.items()}, "whole": {**parameters, **dict(used.named_buffers())}}  # type: ignore[dict-item]


def segmented() -> dict[str, Tensor]:
    """Gradients of one step on masks of very unequal size: five images, three and two on two ranks."""
    run = rank_run()
    draw = torch.Generator().manual_seed(4)
    images = torch.rand(5, 1, 8, 8, generator=draw, dtype=torch.float64)
    masks = torch.where(images[:, 0] > torch.linspace(0.1, 0.9, 5).view(5, 1, 1), 255, 0).to(torch.uint8)
    masks[1, :4] = 128  # doesn't count
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Tanh(), nn.Conv2d(3, 1, 1))
    model = run.prepare(network.double())
    mine = slice(run.rank, None, run.world_size)
    total = total_over_ranks if run.world_size > 1 else None
    segmentation_loss(model(images[mine])[:, 0], masks[mine], 0.7, total).backward()  # type: ignore[no-untyped-call]
    return {name: weight.grad for name, weight in run.unwrap(model).named_parameters()}  # type: ignore[misc]


LAYERS: dict[str, Callable[[], nn.Module]] = {
    "maps": lambda: nn.BatchNorm2d(3),
    "vectors": lambda: nn.BatchNorm1d(4, momentum=None),  # type: ignore[arg-type]
    "without weights": lambda: nn.BatchNorm2d(3, affine=False, momentum=0.3),
    "without memory": lambda: nn.BatchNorm2d(3, track_running_stats=False),
}
SHAPES = {"maps": (7, 3, 5, 4), "vectors": (5, 4), "without weights": (4, 3, 2, 2), "without memory": (3, 3, 4, 4)}


def attacked_alone() -> float:
    """The first rank attacks in training mode while the other has ended its part: a collective would wait for it."""
    run = rank_run()
    config: Any = resolve(adversarial_training, {**TRAINED, "network": "resnet18"}).config
    model = run.prepare(build(config, (1, 8, 8), (10, 2), seed=0)).train()
    if run.rank:
        return 0.0
    images, labels = torch.rand(6, 1, 8, 8), torch.randint(2, (6, 2))
    bare = run.unwrap(model)
    eta = Perturber(config, 0, 0)(bare, images, labels, 0.1)
    assert bare.training
    return float(eta.abs().max())


def validated() -> dict[str, Any]:
    """A split measured by all ranks, and how many images went through the network here."""
    run = rank_run()
    config: Any = resolve(adversarial_training, ATTACKED).config
    held_out = splits(config, run.data("digits"), run.device).validation
    samples = Doubles(held_out.split, held_out.chosen, held_out.labels)
    model = build(config, (1, 8, 8), (10, 2), seed=0).double()
    seen: list[int] = []
    model.register_forward_pre_hook(lambda module, images: seen.append(len(images[0])))
    measured = measure(config, model, samples, run=run)
    return {
        "arrays": measured.arrays(),
        "metrics": measured.metrics("validation"),
        "images": sum(seen),
        "n": len(samples),
    }


def everything() -> dict[str, Any]:
    """All of it, for processes that are started once."""
    return {
        "trained": {network: trained(network) for network in NETWORKS},
        "apart": trained("resnet18", joint=False),
        "distilled": distilled(),
        "updated": {(form, labels): updated(form, labels) for form in GANS for labels in LABELS},
        "normalised": {layer: normalised(layer) for layer in LAYERS},
        "segmented": segmented(),
        "attacked": attacked_alone(),
        "validated": validated(),
    }


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


def test_ranks_share_a_validation_and_come_to_what_one_worker_does(
    one: dict[str, Any], two: list[dict[str, Any]]
) -> None:
    alone = one["validated"]
    for rank in two:
        assert rank["validated"]["metrics"] == alone["metrics"]
        assert all(torch.equal(rank["validated"]["arrays"][name], array) for name, array in alone["arrays"].items())
    attacked = [rank["validated"]["images"] - alone["n"] for rank in two]
    assert sum(attacked) == alone["images"] - alone["n"], "beside the clean pass, no image was seen twice"
    assert max(attacked) < 0.6 * sum(attacked)


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
