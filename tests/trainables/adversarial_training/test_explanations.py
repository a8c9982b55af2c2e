"""The analyses of explanations: on a network that is known, on trained ones, and what they cost and refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainables import adversarial_training
from trainables.adversarial_training import METRICS
from trainables.adversarial_training.analyses.concise_explanations import measure as concise
from trainables.adversarial_training.analyses.faithful_explanations import measure as faithful
from trainables.adversarial_training.analyses.faithful_explanations import summarise as summarise_faithful
from trainables.adversarial_training.analyses.marked_explanations import measure as measure_marked
from trainables.adversarial_training.analyses.marked_explanations import summarise as summarise_marked
from trainables.adversarial_training.analyses.misclassified_explanations import measure as misclassified
from trainables.adversarial_training.analyses.misclassified_explanations import summarise as summarise_misclassified
from trainables.adversarial_training.analyses.stable_explanations import measure as stable
from trainables.adversarial_training.analysis import NETWORK
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.explanations import means, medians
from trainables.adversarial_training.training.validation import at_validation
from trainables.contract import InProcessRun, Report, resolve
from trainables.interpretability.attributions import NAMES
from trainables.interpretability.explained import ExplainedImages

SMALL: dict[str, Any] = {
    "dataset": "block_digits", "epsilon": 0.0, "epochs": 8, "steps": 1, "width": 4, "attack_steps": 2,
    "attacks": ["pgd"], "test_size": 60, "epsilon_warmup": 0, "explained_images": 40,
    "attributions": ["gradient", "gradcam"],
}  # fmt: skip
OF_MAPS = ["concise_explanations", "stable_explanations", "marked_explanations", "faithful_explanations",
           "randomised_weights", "misclassified_explanations"]  # fmt: skip


def config(**given: Any) -> Any:
    return resolve(adversarial_training, {**SMALL, **given}).config


@pytest.fixture(scope="module")
def state() -> Any:
    *_, last = adversarial_training.train(config(), InProcessRun())
    return last.state


def measured(state: Any, **given: Any) -> Report:
    return adversarial_training.evaluate(config(**given), state, InProcessRun())


@pytest.fixture(scope="module")
def everything(state: Any) -> Report:
    return measured(state, analyses=[*OF_MAPS, "explanation_gallery"])


class BrightestHalf(nn.Module):
    """Its logits are the sums of the left and of the right half: the gradient is 1 on one and 0 on the other."""

    def forward(self, images: Tensor) -> Tensor:
        left, right = images.split(images.shape[3] // 2, dim=3)
        return torch.stack([left.sum((1, 2, 3)), right.sum((1, 2, 3))], dim=1)


class OneBatch:
    """What a measure looks at of a batch."""

    def __init__(self, explained: ExplainedImages) -> None:
        self.explained, self.config = explained, config()


def halves(labels: list[int], **more: Any) -> Any:
    """Two images, the first bright on the left and the second on the right, whose truth is marked there."""
    images = torch.full((2, 1, 4, 4), 0.2)
    images[0, :, :, :2], images[1, :, :, 2:] = 0.8, 0.8
    predicted = torch.tensor([0, 1])
    explained = ExplainedImages(
        BrightestHalf(), images, torch.tensor(labels), predicted, predicted, ("gradient",), images[:, 0] > 0.5, **more
    )
    return OneBatch(explained)


def test_a_map_of_half_an_image_is_half_as_concise_and_lies_on_the_truth() -> None:
    batch = halves([0, 1])
    assert concise(batch).arrays["sparseness.gradient"].tolist() == pytest.approx([0.5, 0.5], abs=1e-5)
    assert concise(batch).arrays["complexity.gradient"].tolist() == pytest.approx([np.log(8)] * 2, abs=1e-4)
    marked = summarise_marked(None, measure_marked(batch).arrays).metrics
    assert marked == pytest.approx(
        {"mask_rank.gradient": 1, "mask_mass.gradient": 1, "pointing_game.gradient": 1, "mask_share": 0.5}
    )
    gains = summarise_faithful(None, faithful(batch).arrays).metrics
    assert gains["deletion_gain.gradient"] == pytest.approx(0, abs=1e-6), "the answer hangs on both halves alike"
    assert gains["insertion_gain.gradient"] == pytest.approx(0, abs=1e-6)
    assert stable(batch).arrays["max_sensitivity.gradient"].tolist() == [0, 0]


def test_wrong_answers_are_left_out_of_quality_and_looked_at_apart() -> None:
    batch = halves([0, 0])
    for measure in (concise, stable, measure_marked, faithful):
        assert {len(values) for values in measure(batch).arrays.values()} == {1}, measure
    found = summarise_misclassified(None, misclassified(batch).arrays).metrics
    assert found["misclassified_images"] == 1
    assert found["misclassified_similarity.gradient"] == pytest.approx(-1), "the true class looks at the other half"
    assert found["misclassified_mask_rank.gradient"] == 1, "the wrong answer's map lies on what is marked: plausible"
    assert found["misclassified_sparseness_gap.gradient"] == pytest.approx(0, abs=1e-6)
    assert summarise_misclassified(None, misclassified(halves([0, 1])).arrays).metrics == {"misclassified_images": 0}


def test_without_masks_nothing_is_said_of_them() -> None:
    batch = halves([0, 1])
    without = OneBatch(
        ExplainedImages(BrightestHalf(), batch.explained.images, *[torch.tensor([0, 1])] * 3, ("gradient",))
    )
    assert measure_marked(without).arrays == {}  # type: ignore[arg-type]
    assert summarise_marked(None, {}).metrics == {}


def test_averages_are_over_the_images_that_have_a_value() -> None:
    arrays = {"a": torch.tensor([1.0, torch.nan, 4.0, 100.0]), "b": torch.tensor([torch.nan])}
    assert means(arrays) == {"a": 35}
    assert medians(arrays) == {"a": 4}


def test_a_test_reports_every_metric_of_every_chosen_method(everything: Report) -> None:
    declared = {name for analysis in OF_MAPS for name in ANALYSES.entries[analysis].metrics}
    of_chosen = {name for name in declared if name.rpartition(".")[2] in ("gradient", "gradcam", name)}
    assert {f"test/{name}" for name in of_chosen} <= everything.metrics.keys() <= METRICS.keys()
    assert not [name for name in everything.metrics if "smoothgrad" in name]
    for name, metric in METRICS.items():
        if name in everything.metrics and metric.bounds is not None:
            assert metric.bounds[0] <= everything.metrics[name] <= metric.bounds[1], name
    assert everything.metrics["test/mask_share"] == pytest.approx(0.25)


def test_the_same_state_is_measured_alike_however_often(state: Any, everything: Report) -> None:
    again = measured(state, analyses=[*reversed(OF_MAPS)])
    for name, value in again.metrics.items():
        assert value == pytest.approx(everything.metrics[name], rel=1e-5, abs=1e-7), name


def test_the_class_that_is_explained_is_chosen(state: Any, everything: Report) -> None:
    of_label = measured(state, analyses=["concise_explanations", "randomised_weights"], explained_class="label")
    name = "test/sparseness.gradient"  # of rightly classified images both classes are one
    assert of_label.metrics[name] == pytest.approx(everything.metrics[name], rel=1e-6)
    name = "test/randomised_similarity.gradient"
    assert of_label.metrics[name] != pytest.approx(everything.metrics[name], rel=1e-6)


def test_the_gallery_shows_image_maps_and_mask(everything: Report) -> None:
    picture = everything.images["attributions of test images"]
    assert picture.dtype == np.uint8
    rows, columns = 8, 4  # image, gradient, GradCAM, mask; 16 pixels enlarged fourfold, with an edge of 2
    assert picture.shape[:2] == (18 + rows * (64 + 4), columns * (64 + 4))


def test_networks_learn_more_from_what_decides(state: Any) -> None:
    report = measured(state, analyses=["diffroar"], attributions=["gradient"], test_size=100)
    found = {name.removeprefix("test/"): value for name, value in report.metrics.items() if "diffroar" in name}
    assert found.keys() == {"diffroar.gradient", "diffroar_top.gradient", "diffroar_bottom.gradient"}
    assert found["diffroar.gradient"] == pytest.approx(
        found["diffroar_top.gradient"] - found["diffroar_bottom.gradient"]
    )
    assert len(report.arrays["diffroar_top.gradient"]) == 100


def test_costs_grow_with_methods_and_images() -> None:
    def cost(**given: Any) -> float:
        return ANALYSES.cost(config(**given), 1_000)[NETWORK]

    maps = {"analyses": ["concise_explanations"]}
    assert cost(**maps, attributions=["gradient"], explained_images=100) == 2 * 100
    assert cost(**maps, attributions=["gradient", "smoothgrad"], explained_images=100) == 2 * 100 * 17
    assert cost(analyses=["stable_explanations"], attributions=["gradient"], explained_images=100) == 2 * 100 * 12
    assert cost(analyses=["diffroar"], attributions=["gradient"]) > 8 * 2 * 3 * 1_000
    assert not ANALYSES.cost(config(), 1_000)


def test_a_method_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="gradcam"):
        config(attributions=["grad_cam"])
    with pytest.raises(ValueError, match="at least one method"):
        config(attributions=[])
    assert config(attributions="gradient").attributions == ("gradient",)
    assert resolve(adversarial_training, {}).config.attributions == NAMES


def test_the_dose_chooses_each_network_for_what_it_is_trained_for() -> None:
    own = config(validation_epsilon="training", attack_epsilon=0.08, attack_step_size=0.02, epsilon=0.02)
    assert at_validation(own).attack_epsilon == 0.02
    assert at_validation(own).attack_step_size == pytest.approx(0.005)
    assert at_validation(config(epsilon=0.02, attack_epsilon=0.08)).attack_epsilon == 0.08
    undefended = config(validation_epsilon="training", epsilon=0.0, epochs=1, attacks=["quick"])
    [report] = adversarial_training.train(undefended, InProcessRun())
    clean = report.metrics["validation/clean_accuracy"]
    assert report.metrics["validation/robust_accuracy.worst_case"] == clean > 0
    assert "validation_epsilon" not in adversarial_training.EVALUATION_FIELDS, "it chose the stored checkpoints"
