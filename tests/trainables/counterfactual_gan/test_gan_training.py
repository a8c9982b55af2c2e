"""Training as a whole: whose turn it is, collapse and divergence, and which classifiers trials share."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch

from trainables import counterfactual_gan as method
from trainables.contract import Collapsed, Diverged, InProcessRun, resolve
from trainables.counterfactual_gan.evaluation import shared_classifiers
from trainables.counterfactual_gan.evaluation.judges import judges
from trainables.counterfactual_gan.evaluation.shared_classifiers import Budget
from trainables.counterfactual_gan.evaluation.twins import plain_discriminator, plain_generator
from trainables.counterfactual_gan.settings.optimisation import turns
from trainables.counterfactual_gan.training import loop
from trainables.counterfactual_gan.training.loop import is_turn
from trainables.counterfactual_gan.training.updates import Losses
from trainables.datasets.config import dataset_of
from trainables.defects.splits import splits
from trainables.lru_cache import LRUCache

SMALL = {
    "train_size": 60, "test_size": 24, "batch_size": 20, "image_size": 16, "generator_width": 4,
    "generator_levels": 2, "discriminator_width": 4, "judge_width": 4, "judges": 1, "judge_epochs": 1, "epochs": 3,
}  # fmt: skip
CPU = torch.device("cpu")


def config(**given: Any) -> Any:
    return resolve(method, {**SMALL, **given}).config


@pytest.mark.parametrize(
    ("ratio", "d", "g"), [("1:1", "xxxxxx", "xxxxxx"), ("2:1", "xxxxxx", "_x_x_x"), ("1:3", "__x__x", "xxxxxx")]
)
def test_turns_are_spread_as_the_ratio_says(ratio: str, d: str, g: str) -> None:
    of_d, of_g = turns(ratio)
    period = max(of_d, of_g)
    for count, wanted in ((of_d, d), (of_g, g)):
        assert "".join("x" if is_turn(batch, count, period) else "_" for batch in range(6)) == wanted


def test_a_collapse_ends_the_trial_with_its_images() -> None:
    always = {"collapse_p_fake": 0.0, "collapse_diversity": 1e6, "collapse_grace": 0.0, "collapse_epochs": 2}
    reports = method.train(config(**always), InProcessRun())
    next(reports)
    with pytest.raises(Collapsed, match=r"their spread is .* for 2 epochs") as caught:
        next(reports)
    assert len(caught.value.images) == 2, "one picture for each direction"


def test_a_loss_that_is_no_number_ends_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "update", lambda *_, **__: Losses(discriminator=torch.tensor(float("nan"))))
    with pytest.raises(Diverged, match=r"train/loss.discriminator is nan"):
        next(method.train(config(), InProcessRun()))


def test_galleries_are_shown_as_often_as_asked() -> None:
    reports = list(method.train(config(gallery_epochs=2), InProcessRun()))
    assert [len(report.images) for report in reports] == [0, 2, 0]
    assert not any(report.images for report in method.train(config(), InProcessRun()))


def test_classifiers_do_not_keep_their_images() -> None:
    run, plain = InProcessRun(kept=LRUCache(2)), config(judges=3, train_size=40)
    data = splits(plain, run.data(dataset_of(plain)), CPU)
    images = weakref.ref(data.train)
    panel = judges(plain, data, run)
    assert len(run.kept.values) == 2, "only two are kept"
    del data
    gc.collect()
    assert images() is None
    assert len(panel) == 3


def trained(monkeypatch: pytest.MonkeyPatch) -> list[Budget]:
    """The budgets of the classifiers that are trained from now on."""
    budgets: list[Budget] = []
    original = shared_classifiers.train_classifier

    def noted(*args: Any, **named: Any) -> None:
        budgets.append(named["budget"])
        original(*args, **named)

    monkeypatch.setattr(shared_classifiers, "train_classifier", noted)
    return budgets


def test_accuracies_stand_beside_that_of_the_commoner_class() -> None:
    one = config(epochs=1, test_size=23, analyses=[], twins=False)
    [report] = method.train(one, InProcessRun())
    assert report.state is not None
    found = method.evaluate(one, report.state, InProcessRun())
    labels = found.arrays["labels"].tolist()
    assert len(labels) == 23
    assert found.metrics["test/accuracy.majority"] == pytest.approx(max(labels.count(0), labels.count(1)) / 23)
    assert found.metrics["test/accuracy.majority"] > 0.5
    said = f"{labels.count(0)} no crack, {labels.count(1)} crack"
    assert found.fingerprints["images"]["test"] == said


def test_judges_are_shared_by_arms_and_a_twin_only_by_trials_of_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    run, plain = InProcessRun(), config()
    data = splits(plain, run.data(dataset_of(plain)), CPU)
    other = config(last_upsampling="expand", lambda3=9.0, balanced_sampling=False)
    budgets = trained(monkeypatch)
    [one], [same] = judges(plain, data, run), judges(other, data, run)
    assert len(budgets) == 1, "arms are measured by one instrument"
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    plain_discriminator(plain, data, run, 0)
    plain_discriminator(config(lambda3=9.0, discriminator_average=0.5), data, run, 0)
    assert len(budgets) == 2
    plain_discriminator(config(balanced_sampling=False), data, run, 0)
    plain_discriminator(config(discriminator_width=8), data, run, 0)
    plain_discriminator(plain, data, run, 1)
    assert len(budgets) == 5
    plain_generator(plain, data, run, 0)
    plain_generator(config(lambda3=9.0), data, run, 0)
    assert len(budgets) == 6
    names = [set(plain_generator(each, data, run, 0).state_dict()) for each in (plain, other)]
    assert names[0] != names[1], "another upsampling is another network"


def test_twins_have_the_updates_of_the_networks_that_they_are_compared_with(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = config(update_ratio="3:1", epochs=4, judge_epochs=2)
    run, budgets, updates = InProcessRun(), trained(monkeypatch), {"discriminator": 0, "generator": 0}
    original = loop.update

    def counted(*args: Any, **named: Any) -> Losses:
        losses = original(*args, **named)
        updates["discriminator"] += losses.discriminator is not None
        updates["generator"] += bool(losses.generator)
        return losses

    monkeypatch.setattr(loop, "update", counted)
    list(method.train(settings, run))
    data = splits(settings, run.data(dataset_of(settings)), CPU)
    plain_discriminator(settings, data, run, 0)
    plain_generator(settings, data, run, 0)
    judge, d_twin, g_twin = budgets
    assert updates == {"discriminator": 12, "generator": 4}
    assert (d_twin.updates, g_twin.updates, d_twin.batch_size) == (12, 4, 20)
    assert (judge.updates, judge.batch_size) == (4, 32), "judges keep a budget of their own"
