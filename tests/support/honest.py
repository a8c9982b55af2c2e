"""Networks trained honestly and quickly, for tests of the checklist."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from trainables import adversarial_training
from trainables.adversarial_training.data import splits
from trainables.adversarial_training.evaluation.checks import first
from trainables.contract import InProcessRun, resolve
from trainables.datasets.config import dataset_of
from trainables.evaluation.checklist import Context, Subject


@cache
def honest_subject(seed: int = 0, images: int = 150, data_root: str | None = None, **settings: Any) -> Subject:
    """A network trained by STA at scale quick, on digits unless `settings` differ, with its facts."""
    fields = {"dataset": "digits", "epochs": 8, **settings}
    config: Any = resolve(adversarial_training, fields, None, "quick").config
    run = InProcessRun(seed=seed, data_root=data_root)
    *_, last = adversarial_training.train(config, run)
    assert last.state is not None
    data = splits(config, run.data(dataset_of(config)), run.device)
    model = adversarial_training.load(config, last.state).requires_grad_(False)
    pixels, labels = first(data.test, images)
    held_out, _ = first(data.validation, len(data.validation))
    context = Context(selected_by="validation/robust_accuracy.worst_case", selection=held_out, seeds=3)
    return Subject(
        model, pixels, labels.squeeze(1), config.attack_epsilon, classes=data.classes[0], context=context, seed=seed
    )


def one_thread() -> None:
    """On two shared cores, small networks train fastest with one thread."""
    torch.set_num_threads(1)
