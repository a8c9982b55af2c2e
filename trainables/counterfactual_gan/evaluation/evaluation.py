"""Measure a stored state on the test split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainables.attacks.frozen import frozen
from trainables.contract import Report, Run
from trainables.counterfactual_gan.analysis_table import ANALYSES
from trainables.counterfactual_gan.config import Config
from trainables.counterfactual_gan.evaluation.extracting import extractor
from trainables.counterfactual_gan.evaluation.gallery import galleries
from trainables.counterfactual_gan.evaluation.judges import judges
from trainables.counterfactual_gan.evaluation.measurements import drawing, measure
from trainables.counterfactual_gan.evaluation.twins import plain_discriminator, plain_generator
from trainables.counterfactual_gan.model import load
from trainables.counterfactual_gan.trained_gan import TrainedGAN
from trainables.datasets.config import dataset_of
from trainables.defects.splits import splits
from trainables.evaluation.analysis import Findings
from trainables.evaluation.classification import classification_scores
from trainables.evaluation.graph_size import images_at_once


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    """Test both networks: classification, validity, the analyses asked for, galleries; predictions per image.

    Its fingerprints count the images of both classes in each part and state what measures distances.
    """
    data = splits(config, run.data(dataset_of(config)), run.device)
    model = load(config, state).to(run.device)
    panel = judges(config, data, run)
    features = extractor(config, panel, data.shape)
    measured = measure(model, data.test, panel, features)
    seed = int(state["seed"])
    tested = TrainedGAN(
        config=config,
        data=data,
        model=model,
        measured=measured,
        panel=panel,
        features=features,
        d_twin=plain_discriminator(config, data, run, seed) if config.twins else None,
        g_twin=plain_generator(config, data, run, seed) if config.twins else None,
    )
    findings = Findings(measured.scores(whole=True) | measured.changed())
    findings.metrics["samples"] = float(len(data.test))
    findings.metrics["accuracy.majority"] = float(measured.labels.bincount().max()) / len(data.test)
    findings.add(_twins(tested))
    findings.add(ANALYSES.run(config, [tested]))
    arrays = {
        "labels": measured.labels.numpy(),
        "predictions.clean": measured.real[:, :2].argmax(1).numpy(),
        "predictions.branch": measured.branch.argmax(1).numpy(),
        "valid": measured.valid().double().mean(0).numpy(),
    }
    return Report(
        {f"test/{name}": value for name, value in findings.metrics.items()},
        arrays=arrays | findings.arrays,
        images=galleries(model, data.test) | findings.images,
        fingerprints={"images": data.counts()} | findings.fingerprints,
    )


def _twins(tested: TrainedGAN) -> Findings:
    """Scores of the networks that were trained as plain classifiers (S1, Table 2), and how far D is below its twin."""
    findings = Findings()
    images, labels = tested.data.test.pixels, tested.data.test.labels.cpu()
    answers: dict[str, Tensor] = {}
    if tested.d_twin is not None:
        answers["d_twin"] = _answers(tested.d_twin, tested.d_twin, images)
    if tested.g_twin is not None:
        answers["g_twin"] = _answers(tested.g_twin, tested.g_twin.classify, images)
    for name, logits in answers.items():
        scores = classification_scores(logits.argmax(1), labels)
        findings.metrics |= {
            f"accuracy.{name}": scores.accuracy,
            f"f1.{name}": scores.f1,
            f"precision.{name}": scores.precision,
            f"recall.{name}": scores.recall,
        }
    if "d_twin" in answers:
        own = tested.measured.classification()["accuracy.d"]
        findings.metrics["accuracy_gap"] = own - findings.metrics["accuracy.d_twin"]
    return findings


def _answers(network: nn.Module, logits_of: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """The logits (N, 2) on the CPU, with the measurements' noise and dropout."""
    with frozen(network), torch.no_grad(), drawing(images.device):
        size = images_at_once(logits_of, images[:1])
        return torch.cat([logits_of(part).cpu() for part in torch.split(images, size)])
