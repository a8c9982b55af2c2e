"""Every declared attack on trained networks: orders that must hold, targets, threat models, an undefended network."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

from trainables import adversarial_training
from trainables.adversarial_training import METRICS
from trainables.adversarial_training.attack_plan import PlannedAttack, attacks_taken
from trainables.adversarial_training.attacking import NOISE_SEED, attack_samples, batches
from trainables.adversarial_training.data import parts
from trainables.adversarial_training.evaluation import measure
from trainables.adversarial_training.measured import Measured
from trainables.adversarial_training.model import load
from trainables.adversarial_training.settings.evaluation import ThreatModel
from trainables.attacks.frozen import frozen
from trainables.attacks.pgd import pgd
from trainables.attacks.table import ATTACKS
from trainables.contract import InProcessRun, resolve
from trainables.datasets import Dataset
from trainables.datasets.samples import Samples
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
ONE_TARGET = ["pgd_targeted", "pgd_least_likely"]


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


@pytest.fixture(scope="module")
def state() -> Any:
    *_, last = adversarial_training.train(config(attack_steps=1), InProcessRun())
    return last.state


@pytest.fixture(scope="module")
def model(state: Any) -> nn.Module:
    return load(config(), state)


@pytest.fixture(scope="module")
def samples(digits: Dataset) -> Samples:
    return parts(config(), digits, "cpu").test


@pytest.fixture(scope="module")
def measured(model: nn.Module, samples: Samples) -> Measured:
    return measure(
        config(attacks=EVERY, threat_models=BOTH, l2_iterations=20, l2_budget=0.5), model, samples, tested=True
    )


def clean_logits(model: nn.Module, samples: Samples) -> list[Tensor]:
    with torch.no_grad():
        return list(model(samples.pixels))


def test_every_attack_under_every_threat_model_has_its_accuracy(measured: Measured) -> None:
    found = measured.metrics("test")
    for attack, suffix in product(EVERY, ("", "_all_heads")):
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


@pytest.mark.parametrize("attack", WITHIN)
@pytest.mark.parametrize("threat_model", BOTH)
def test_restarts_never_raise_accuracy(attack: Any, threat_model: Any, model: nn.Module, samples: Samples) -> None:
    clean = clean_logits(model, samples)
    with frozen(model):
        once, often = (
            attack_samples(
                config(attack_restarts=n, attack_epsilon=0.06, attack_steps=2),
                model,
                samples,
                clean,
                attack,
                threat_model,
            ).predictions
            for n in (1, 4)
        )
    labels = samples.labels[:, 0]
    assert torch.equal(once[once != labels], often[once != labels]), "what was broken stays as it was"
    more = int((often != labels).sum() - (once != labels).sum())
    assert more == 0 if attack == "fgsm" else more >= 0
    if attack == "pgd_targeted":
        assert more > 10, "further starts aim at further classes"


def test_a_restart_on_what_is_left_equals_one_on_everything(model: nn.Module, samples: Samples) -> None:
    """Leaving out broken images is exact: the second start alone, on all images, gives the same where it counts."""
    near = {"attack_epsilon": 0.08, "attack_steps": 1, "attack_step_size": 0.01}  # so that the start decides
    settings = config(attack_restarts=2, **near)
    clean, labels = clean_logits(model, samples), samples.labels[:, 0]
    seen: list[Tensor] = []
    with frozen(model):
        both = attack_samples(settings, model, samples, clean, "pgd", "main_head").predictions
        once = attack_samples(config(**near), model, samples, clean, "pgd", "main_head").predictions
        generator = stream(NOISE_SEED, "pgd 1")
        for _, images, known in batches(samples):
            second = pgd(
                lambda x, known=known: loss_on_heads(model(x)[:1], known, "pgd"),
                images,
                0.08,
                settings.attack_step_size,
                settings.attack_steps,
                random_start=True,
                generator=generator,
            )
            seen.append(model(second)[0].argmax(1))
    left = once == labels
    assert 0 < int(left.sum()) < len(labels)
    assert torch.equal(both[left], torch.cat(seen)[left])


def test_losses_are_summed_over_the_heads_that_are_known() -> None:
    draw = torch.Generator().manual_seed(0)
    logits = [torch.randn(4, k, generator=draw, dtype=torch.float64) for k in (5, 2)]
    labels = torch.tensor([[0, 1], [1, 0], [4, 1], [2, 0]])
    targets = torch.tensor([[1, 0], [0, 1], [3, 0], [1, 1]])

    def plain(aim: Tensor) -> float:
        rows = [torch.log_softmax(head, 1)[n, aim[n, m]] for m, head in enumerate(logits) for n in range(4)]
        return -float(torch.stack(rows).sum())

    assert float(loss_on_heads(logits, labels, "pgd")) == pytest.approx(plain(labels))
    assert float(loss_on_heads(logits, labels, "pgd_targeted", targets)) == pytest.approx(-plain(targets))
    margins = sum(
        float(max(z for j, z in enumerate(row) if j != label) - row[label])
        for m, head in enumerate(logits)
        for row, label in zip(head.tolist(), labels[:, m].tolist(), strict=True)
    )
    assert float(loss_on_heads(logits, labels, "cw_linf")) == pytest.approx(margins)


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
        measure(config(attacks=attacks, attack_restarts=2), model, parts(config(test_size=n), digits, "cpu").test)
        for n in (90, 150)
    )
    assert torch.equal(few.labels, many.labels[:90]), "the order of test images doesn't hang on their number"
    for name in attacks:
        assert torch.equal(few.within[name].predictions, many.within[name].predictions[:90])


def test_the_test_stores_a_worst_case_of_its_own_only_where_it_leaves_attacks_out(state: Any) -> None:
    plain = adversarial_training.evaluate(config(attacks=["pgd", "cw_linf"]), state, InProcessRun())
    assert set(plain.arrays) == {"labels", "predictions.clean", "predictions.pgd", "predictions.cw_linf"}
    beyond = adversarial_training.evaluate(config(attacks=["pgd", "cw_l2"], l2_iterations=5), state, InProcessRun())
    assert set(beyond.arrays) >= {"predictions.cw_l2", "predictions.worst_case", "l2_norms.cw_l2"}
    right = beyond.arrays["predictions.worst_case"] == beyond.arrays["labels"]
    assert right.mean() == pytest.approx(beyond.metrics["test/robust_accuracy.worst_case"])
    assert set(beyond.metrics) <= set(METRICS)


def test_an_undefended_network_falls_on_digits() -> None:
    """At the ε beyond which nothing is learnt any more; 8×8 pixels leave it some 7 % at the budget of studies, 0.15."""
    undefended = resolve(adversarial_training, {**UNDEFENDED, "attack_epsilon": 0.25}).config
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
