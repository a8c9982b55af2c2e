"""Analyses of a tested network on a GPU, a fake one: no tensor is left on the CPU that others on the GPU meet."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.support.fake_gpu import fake_gpu
from trainables import adversarial_training as method
from trainables.adversarial_training.analysis import RETRAINED, SHIFTED, TRAINING
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.evaluation.analysed_batches import AnalysedModel
from trainables.adversarial_training.evaluation.corrupted_images import CorruptedImages
from trainables.adversarial_training.model import build
from trainables.attacks.frozen import frozen
from trainables.contract import InProcessRun, resolve
from trainables.datasets.sampling.samples import Samples

IMAGES, SIDE = 6, 16
GIVEN: dict[str, Any] = {
    "dataset": "digits", "tasks": ["odd_even"], "width": 2, "steps": 2, "epochs": 1, "image_size": SIDE,
    "shift_dataset": "mnist", "attributions": ["gradient", "gradcam"], "certification_images": 2,
    "certification_draws": 100,
}  # fmt: skip

MANY_PASSES = ("budget_ladder", "unseen_attacks")


def fake_samples() -> Samples:
    images = torch.zeros(IMAGES, 1, SIDE, SIDE, dtype=torch.uint8, device="cuda")
    labels = torch.zeros(IMAGES, 2, dtype=torch.int64, device="cuda")
    return Samples(images, torch.arange(IMAGES, device="cuda"), labels)


@pytest.mark.parametrize(
    "analysis",
    [pytest.param(name, marks=[pytest.mark.long] if name in MANY_PASSES else []) for name in sorted(ANALYSES.entries)],
)
def test_an_analysis_computes_where_the_network_is(analysis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config: Any = resolve(method, {**GIVEN, "analyses": [analysis]}).config
    entry = ANALYSES.entries[analysis]
    with fake_gpu(monkeypatch):
        model, samples = build(config, (1, SIDE, SIDE), (3, 2), seed=0).to("cuda"), fake_samples()
        right = torch.ones(IMAGES, dtype=torch.bool, device="cuda")
        retrained = {f"{side}.{name}": right for side in ("top", "bottom") for name in config.attributions}
        with frozen(model):
            tested = AnalysedModel(
                config, model, samples, right, retrain=lambda: retrained if RETRAINED in entry.needs else {},
                other={TRAINING: samples, SHIFTED: samples},
                corruptions=CorruptedImages.of_samples(samples, InProcessRun(device_name="cuda")),
            )  # fmt: skip
            for part in tested.parts(entry.needs):
                arrays = entry.measure(part).arrays
                assert {len(array) for array in arrays.values()} <= {IMAGES}
