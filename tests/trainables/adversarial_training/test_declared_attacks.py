"""Every declared attack on trained networks: orders that must hold, targets, threat models, an undefended network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trainables import adversarial_training
from trainables.adversarial_training import METRICS
from trainables.adversarial_training.attacks.attack_plan import PlannedAttack, attacks_taken
from trainables.adversarial_training.attacks.attacking import NOISE_SEED, attack_samples, batches
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.evaluation.evaluation import measure
from trainables.adversarial_training.evaluation.measurement import Measured
from trainables.adversarial_training.model import load
from trainables.adversarial_training.settings.evaluation import ThreatModel
from trainables.attacks.algorithms.pgd import pgd
from trainables.attacks.frozen import frozen
from trainables.attacks.table import ATTACKS
from trainables.contract import InProcessRun, resolve
from trainables.datasets import Dataset
from trainables.datasets.sampling.samples import Samples
from trainables.randomness import stream

TASKS = ["odd_even", "prime_composite"]
EVERY = list(ATTACKS)
BOTH = list(get_args(ThreatModel))
UNDEFENDED = {"epsilon": 0.0, "steps": 0, "epochs": 5}
SMALL = {
    "validation_attacks": "all",
    **UNDEFENDED,
    "tasks": TASKS,
    "width": 2,
    "attack_steps": 8,
    "attack_epsilon": 0.1,
    "test_size": 150,
}
WITHIN = [attack.name for attack in ATTACKS.values() if attack.within_epsilon]
JOINT = [attack.name for attack in ATTACKS.values() if attack.joint]


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


@pytest.fixture(scope="module", autouse=True)
def shorter_attacks() -> Iterator[None]:
    """Attacks whose published budgets a study can't cut have a fraction of them here."""
    with pytest.MonkeyPatch.context() as patch:
        for name, steps in {"apgd_ce": 10, "apgd_margin": 10, "apgd_t": 10, "fab_t": 10, "square": 100}.items():
            entry = ATTACKS[name]
            patch.setitem(ATTACKS, name, replace(entry, budget=replace(entry.budget, steps=steps)))
        yield


@pytest.fixture(scope="module")
def state() -> Any:
    *_, last = adversarial_training.train(config(attack_steps=1), InProcessRun())
    return last.state


@pytest.fixture(scope="module")
def model(state: Any) -> nn.Module:
    return load(config(), state)


@pytest.fixture(scope="module")
def samples(digits: Dataset) -> Samples:
    return splits(config(), digits, "cpu").test


@pytest.fixture(scope="module")
def measured(model: nn.Module, samples: Samples) -> Measured:
    return measure(
        config(attacks=EVERY, threat_models=BOTH, l2_iterations=20, l2_budget=0.5), model, samples, tested=True
    )


def clean_logits(model: nn.Module, samples: Samples) -> list[Tensor]:
    with torch.no_grad():
        return list(model(samples.pixels))


def planned(name: str, threat_model: str = "main_head", **given: Any) -> PlannedAttack:
    [one] = attacks_taken(config(attacks=[name], threat_models=[threat_model], **given), tested=True)
    return one


def test_every_attack_under_every_threat_model_has_its_accuracy(measured: Measured) -> None:
    found = measured.metrics("test")
    for attack, suffix in product(EVERY, ("", "_all_heads")):
        if attack in JOINT or not suffix:
            assert 0 <= found[f"test/robust_accuracy.{attack}{suffix}"] < found["test/clean_accuracy"]
    worst = found["test/robust_accuracy.worst_case"]
    assert all(worst <= found[f"test/robust_accuracy.{name}"] for name in measured.within)
    assert worst < min(found["test/robust_accuracy.fgsm"], found["test/robust_accuracy.pgd_targeted"])
    assert found["test/robust_above_clean"] == 0
    assert set(found) <= set(METRICS)


def test_validation_leaves_out_the_attack_that_takes_too_long(model: nn.Module, samples: Samples) -> None:
    found = measure(config(attacks=EVERY, threat_models=BOTH), model, samples).metrics("validation")
    assert not [name for name in found if "cw_l2" in name]
    assert {f"validation/robust_accuracy.{attack}" for attack in WITHIN} < set(found)
    assert set(found) <= set(METRICS)


def test_validation_by_the_first_attack_costs_one_attack(model: nn.Module, samples: Samples) -> None:
    settings = config(attacks=["cw_l2", "cw_linf", "pgd"], validation_attacks="first", l2_iterations=1)
    validated = measure(settings, model, samples).metrics("validation")
    assert [name for name in validated if "robust_accuracy" in name] == [
        "validation/robust_accuracy.cw_linf",
        "validation/robust_accuracy.worst_case",
    ]
    tested = measure(settings, model, samples, tested=True).metrics("test")
    assert {f"test/robust_accuracy.{attack}" for attack in settings.attacks} < set(tested)


def test_stronger_attacks_break_more(measured: Measured) -> None:
    right = {name: float((one.predictions == measured.labels).double().mean()) for name, one in measured.within.items()}
    assert right["pgd"] < right["fgsm"], "eight steps against one"
    assert right["cw_linf"] < right["pgd_least_likely"], "the least likely class is the hardest to reach"
    assert right["pgd"] < right["pgd_all_heads"], "who attacks all heads has less left for the main one"
    targeted = measured.within["pgd_targeted"]
    assert targeted.reached is not None
    missed = (targeted.predictions == measured.labels) & targeted.reached
    assert 0 < float(targeted.reached.double().mean()) < 1
    assert not missed.any(), "what reached a wrong class is not right"


def shortened(one: PlannedAttack, restarts: int) -> PlannedAttack:
    """Two steps to two targets at most, from so many starts."""
    budget = replace(one.budget, steps=2, targets=min(one.budget.targets, 2), restarts=restarts)
    return replace(one, budget=budget)


@pytest.mark.parametrize("attack", WITHIN)
@pytest.mark.parametrize("threat_model", BOTH)
def test_restarts_never_raise_accuracy(attack: Any, threat_model: Any, model: nn.Module, samples: Samples) -> None:
    clean = clean_logits(model, samples)
    near = {"attack_epsilon": 0.06, "attack_steps": 2}
    with frozen(model):
        once, often = (
            attack_samples(shortened(planned(attack, threat_model, **near), n), model, samples, clean).predictions
            for n in (1, 4)
        )
    labels = samples.labels[:, 0]
    assert torch.equal(once[once != labels], often[once != labels]), "what was broken stays as it was"
    more = int((often != labels).sum() - (once != labels).sum())
    assert more == 0 if attack == "fgsm" else more >= 0, attack
    if attack == "pgd_targeted":
        assert more > 10, "further starts aim at further classes"


def test_a_restart_on_what_is_left_equals_one_on_everything(model: nn.Module, samples: Samples) -> None:
    """Leaving out broken images is exact: the second start alone, on all images, gives the same where it counts."""
    near = {"attack_epsilon": 0.08, "attack_steps": 1, "attack_step_size": 0.01}  # so that the start decides
    clean, labels = clean_logits(model, samples), samples.labels[:, 0]
    with frozen(model):
        both = attack_samples(planned("pgd", attack_restarts=2, **near), model, samples, clean).predictions
        once = attack_samples(planned("pgd", **near), model, samples, clean).predictions
        [(_, images, known)] = batches(samples)
        noise = torch.rand(images.shape, generator=stream(NOISE_SEED, "pgd 1"))
        fooled = torch.zeros_like(labels, dtype=torch.bool)

        def loss_of(adversarial: Tensor) -> Tensor:
            logits = model(adversarial)[0]
            fooled.logical_or_(logits.argmax(1) != labels)
            return F.cross_entropy(logits, known[:, 0], reduction="sum")

        loss_of(pgd(loss_of, images, 0.08, 0.01, 1, random_start=True, noise=noise))
    left = once == labels
    assert 0 < int(left.sum()) < len(labels)
    assert torch.equal((both != labels)[left], fooled[left])


class Sometimes(nn.Module):
    """Answers class 0 but to images that are somewhat brighter than 0.4; still brighter ones raise the loss most."""

    def forward(self, images: Tensor) -> list[Tensor]:
        brighter = images.flatten(1).mean(1, keepdim=True) - 0.4
        inside = (brighter > 0.03) & (brighter < 0.06)
        right = torch.where(inside, -1.0, 1.0) - 1e-2 * brighter
        return [torch.cat([right, torch.zeros_like(right)], dim=1)]


def test_any_iterate_that_fools_counts() -> None:
    split = torch.full((20, 1, 8, 8), 102, dtype=torch.uint8)
    grey = Samples(split, torch.arange(20), torch.zeros(20, 1, dtype=torch.int64))
    model, labels = Sometimes(), grey.labels[:, 0]
    given = {"attack_epsilon": 0.1, "attack_steps": 10, "attack_step_size": 0.02}
    clean = clean_logits(model, grey)
    with frozen(model):
        predictions = attack_samples(planned("pgd", **given), model, grey, clean).predictions
        last = pgd(
            lambda x: F.cross_entropy(model(x)[0], labels, reduction="sum"),
            grey.pixels,
            0.1,
            0.02,
            10,
            random_start=True,
            generator=stream(NOISE_SEED, "pgd 0"),
        )
    assert (model(last)[0].argmax(1) == labels).all(), "the last iterates fool nobody"
    assert (predictions != labels).all()


def test_the_l2_budget_decides_what_counts(model: nn.Module, samples: Samples, measured: Measured) -> None:
    found = measured.beyond["cw_l2"]
    assert found.norms is not None
    fooled = found.norms <= 0.5
    assert torch.equal(found.predictions != measured.labels, fooled)
    assert torch.equal(found.norms == 0, measured.clean != measured.labels)
    assert 0 < int(fooled.sum()) < len(samples)
    assert measured.metrics("test")["test/cw_l2_median_norm"] > 0.1


def test_an_image_meets_the_same_noise_and_targets_however_many_there_are(model: nn.Module, digits: Dataset) -> None:
    attacks = ["pgd", "pgd_targeted", "cw_linf"]
    few, many = (
        measure(config(attacks=attacks, attack_restarts=2), model, splits(config(test_size=n), digits, "cpu").test)
        for n in (90, 150)
    )
    assert torch.equal(few.labels, many.labels[:90]), "the order of test images doesn't hang on their number"
    for name in attacks:
        assert torch.equal(few.within[name].predictions, many.within[name].predictions[:90])


def test_the_test_stores_its_worst_case_and_what_found_it(state: Any) -> None:
    plain = adversarial_training.evaluate(config(attacks=["pgd", "cw_linf"]), state, InProcessRun())
    named = {"clean", "pgd", "cw_linf", "worst_case"}
    assert set(plain.arrays) == {"labels", "found_by", "shown", *(f"predictions.{name}" for name in named)}
    assert plain.arrays["found_by"].dtype == np.int16
    facts = plain.fingerprints["attacks"]
    assert {name: one["order"] for name, one in facts.items()} == {"pgd": 1, "cw_linf": 2}
    assert facts["pgd"]["steps"] == 8
    beyond = adversarial_training.evaluate(config(attacks=["pgd", "cw_l2"], l2_iterations=5), state, InProcessRun())
    assert set(beyond.arrays) >= {"predictions.cw_l2", "predictions.worst_case", "l2_norms.cw_l2"}
    assert "order" not in beyond.fingerprints["attacks"]["cw_l2"]
    right = beyond.arrays["predictions.worst_case"] == beyond.arrays["labels"]
    assert right.mean() == pytest.approx(beyond.metrics["test/robust_accuracy.worst_case"])
    assert set(beyond.metrics) <= set(METRICS)


def test_an_undefended_network_falls_on_digits() -> None:
    """At the ε beyond which nothing is learnt any more; 8×8 pixels leave it some 7 % at the budget of studies, 0.15."""
    undefended = resolve(adversarial_training, {**UNDEFENDED, "attacks": "pgd", "attack_epsilon": 0.25}).config
    *_, last = adversarial_training.train(undefended, InProcessRun())
    found = adversarial_training.evaluate(undefended, last.state, InProcessRun()).metrics
    assert found["test/clean_accuracy"] > 0.85
    assert found["test/robust_accuracy.pgd"] < 0.05


def test_an_undefended_network_falls_on_mnist(real_data: Path) -> None:
    given = {**UNDEFENDED, "dataset": "mnist", "epochs": 2, "train_size": 2000, "test_size": 200}
    undefended = resolve(adversarial_training, {**given, "attacks": ["pgd", "cw_linf"]}).config
    run = InProcessRun(data_root=str(real_data))
    *_, last = adversarial_training.train(undefended, run)
    found = adversarial_training.evaluate(undefended, last.state, run).metrics
    assert found["test/clean_accuracy"] > 0.8
    assert found["test/robust_accuracy.pgd"] < 0.05
    assert found["test/robust_accuracy.cw_linf"] < 0.05


def test_an_attack_on_images_that_are_wrong_already_may_put_them_right() -> None:
    """Robust above clean must be told: the images themselves are not iterates of a single step."""

    class Backwards(nn.Module):
        """Wrong on every image but those whose first pixel was moved."""

        def forward(self, images: Tensor) -> list[Tensor]:
            moved = (images[:, :, 0, 0] > 0.05).float()
            return [torch.cat([moved, torch.full_like(moved, 0.5) + images[:, :, 0, 0]], dim=1)]

    zeros = Samples(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.arange(4), torch.zeros(4, 1, dtype=torch.int64))
    model = Backwards()
    clean = clean_logits(model, zeros)
    with frozen(model):
        attacked = attack_samples(planned("fgsm", attack_epsilon=0.1), model, zeros, clean)
    assert (clean[0].argmax(1) == 1).all()
    assert (attacked.predictions == 0).all()
