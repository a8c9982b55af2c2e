"""Computations of two real ranks and of one worker, to be compared: trainings, updates, validations, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tests.support.methods.fake_methods import double
from tests.support.rank_processes import Doubles, rank_run
from trainables import adversarial_training, counterfactual_gan
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.evaluation.evaluation import measure
from trainables.adversarial_training.model import build
from trainables.adversarial_training.perturbations.perturber import Perturber
from trainables.contract import resolve
from trainables.counterfactual_gan.evaluation.measurements import measure as measure_gan
from trainables.counterfactual_gan.model import CounterfactualModel, discriminator_of, generator_of
from trainables.counterfactual_gan.training.updates import update
from trainables.defects.splits import splits as defect_splits
from trainables.evaluation.features import of_classifier
from trainables.joint_batch import JointBatch
from trainables.models.joint_batch_norm import total_over_ranks, with_joint_statistics
from trainables.randomness import BatchPart, Share, global_stream
from trainables.segmentation.evaluation import probabilities
from trainables.segmentation.loop import segmentation_loss

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
    "diverse": {"lambda_diversity": 3.0},
    "noisy": {"dropout": 0.5, "noise_channels": 2, "noise_dim": 3, "lambda_diversity": 3.0},
}
WHOLE_GAN: dict[str, Any] = {
    "dataset": "synthetic_cracks",
    "train_size": 61,
    "test_size": 24,
    "batch_size": 20,
    "image_size": 16,
    "generator_width": 4,
    "generator_levels": 2,
    "discriminator_width": 4,
    "judge_width": 4,
    "judges": 1,
    "judge_epochs": 1,
    "epochs": 2,
    "augmentation": "crop_colour_blur",
    "half_cycles": 2,
    "lambda_diversity": 3.0,
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
    networks = [run.prepare(network_of(config, shape, 0).double()) for network_of in (generator_of, discriminator_of)]
    optimizers = [torch.optim.SGD(network.parameters(), 0.01) for network in networks]
    images = torch.rand(7, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    mine = slice(run.rank, None, run.world_size)
    of_mine = torch.tensor(LABELS[labels])[mine]
    run.unwrap(networks[0]).share_draws(BatchPart(Share(run.rank, run.world_size), len(images)))
    with global_stream(run, "generator", together=True):
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
    """A layer's output for features of this rank, its gradients, and its running statistics after two batches."""
    run = rank_run()
    norm = LAYERS[layer]().double()
    draw = torch.Generator().manual_seed(2)
    features = [torch.randn(SHAPES[layer], generator=draw, dtype=torch.float64) for _ in range(2)]
    weights = torch.randn(SHAPES[layer], generator=draw, dtype=torch.float64)
    joint_norm = with_joint_statistics(norm, run.device) if run.world_size > 1 else norm
    mine = slice(run.rank, None, run.world_size)
    inputs = [each[mine].clone().requires_grad_() for each in features]
    outputs = [joint_norm(each) for each in inputs]
    (outputs[0] * weights[mine] + outputs[1].square() * weights[mine]).sum().backward()
    parameters = {name: run.total(weight.grad) for name, weight in joint_norm.named_parameters()}
    here = {
        f"{part} {i}": t
        for part, some in (("out", outputs), ("in", [e.grad for e in inputs]))
        for i, t in enumerate(some)
    }
    buffers = dict(joint_norm.named_buffers())
    return {"rows": {n: t.detach() for n, t in here.items()}, "whole": {**parameters, **buffers}}  # type: ignore[dict-item]


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


def measured_split(*, tested: bool, **settings: Any) -> dict[str, Any]:
    """A split measured by all ranks, and how many images went through the network here."""
    run = rank_run()
    config: Any = resolve(adversarial_training, {**ATTACKED, **settings}).config
    held_out = splits(config, run.data("digits"), run.device).validation
    samples = Doubles(held_out.split, held_out.chosen, held_out.labels)
    model = build(config, (1, 8, 8), (10, 2), seed=0).double()
    batch_sizes: list[int] = []
    model.register_forward_pre_hook(lambda module, images: batch_sizes.append(len(images[0])))
    measured = measure(config, model, samples, tested=tested, run=run)
    return {
        "arrays": measured.arrays(),
        "metrics": measured.metrics("validation"),
        "images": sum(batch_sizes),
        "n": len(samples),
    }


def looked_at() -> dict[str, Any]:
    """A GAN's and a segmentation network's validation by all ranks, and how many images G saw here."""
    run = rank_run()
    config: Any = resolve(counterfactual_gan, {**WHOLE_GAN, "train_size": 1000}).config
    data = defect_splits(config, run.data("synthetic_cracks"), run.device)
    model = CounterfactualModel(generator_of(config, data.shape, 0), discriminator_of(config, data.shape, 0))
    panel = [discriminator_of(config, data.shape, seed, classes=2) for seed in (1, 2)]
    features = of_classifier(panel[0], data.shape, name="judge")
    batch_sizes: list[int] = []
    model.generator.register_forward_hook(lambda module, images, outputs: batch_sizes.append(len(images[0])))
    measured = measure_gan(model, data.validation, panel, features, run)
    with torch.random.fork_rng():
        torch.manual_seed(6)
        marking = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Flatten(1, 2))
    return {
        "rows": {name: value for name, value in vars(measured).items() if isinstance(value, Tensor)},
        "scores": measured.scores() | measured.changed() | measured.distances("fd"),
        "images": sum(batch_sizes),
        "n": len(data.validation),
        "marked": probabilities(marking, data.validation, run),
    }


def whole_gan() -> dict[str, float]:
    """The reports of two epochs, with noise, dropout and augmentation."""
    run = rank_run(5)
    *_, last = counterfactual_gan.train(resolve(counterfactual_gan, WHOLE_GAN).config, run)  # type: ignore[arg-type]
    return dict(last.metrics)


def everything() -> dict[str, Any]:
    """All computations, for processes that are started once."""
    return {
        "trained": {network: trained(network) for network in NETWORKS},
        "apart": trained("resnet18", joint=False),
        "distilled": distilled(),
        "updated": {(form, labels): updated(form, labels) for form in GANS for labels in LABELS},
        "normalised": {layer: normalised(layer) for layer in LAYERS},
        "segmented": segmented(),
        "attacked": attacked_alone(),
        "validated": measured_split(tested=False),
        "tested": measured_split(tested=True, attacks=["pgd", "quick", "cw_l2"], l2_iterations=5),
        "looked at": looked_at(),
        "whole gan": whole_gan(),
    }
