"""Clean and robust accuracy of a network, first per sample, then summed up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from trainables.adversarial_training.analysis import CORRUPTED, SHIFTED, TRAINING
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.attacks.attack_plan import attacks_taken
from trainables.adversarial_training.attacks.attacking import predict
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.data import Splits, splits
from trainables.adversarial_training.evaluation.analysed_batches import AnalysedModel
from trainables.adversarial_training.evaluation.corrupted_images import CorruptedImages
from trainables.adversarial_training.evaluation.earlier import covers, earlier_attacks
from trainables.adversarial_training.evaluation.gallery import SHOWN as SHOWN_IMAGES
from trainables.adversarial_training.evaluation.gallery import galleries
from trainables.adversarial_training.evaluation.measurement import Measured
from trainables.adversarial_training.evaluation.shared_attacks import SharedAttacks
from trainables.adversarial_training.evaluation.shifted_samples import shifted_samples
from trainables.adversarial_training.model import load
from trainables.attacks.frozen import frozen
from trainables.contract import SHOWN, Report, Run
from trainables.datasets.config import dataset_of
from trainables.datasets.sampling.samples import Samples
from trainables.evaluation.grouped_interval import grouped_wilson, number_of_groups, several_to_a_group

Retrain = Callable[[Config, Run, nn.Module, Splits], Mapping[str, Tensor]]


def measure(
    config: Config,
    model: nn.Module,
    samples: Samples,
    *,
    tested: bool = False,
    earlier: Report | None = None,
    run: Run | None = None,
) -> Measured:
    """Predict and attack `samples` with the bare network `model`, at full ε.

    A test (`tested`) takes every attack, validation fewer (see `attacks_taken`). Where `earlier` measured the same
    network on the same samples, its attacks count as run, and only what they lack is run. The ranks of a `run` share
    the attacks, and all get the whole result.
    """
    shared = SharedAttacks(run)
    planned = attacks_taken(config, tested=tested)
    with frozen(model):
        clean = predict(model, samples)
        labels, predictions = samples.labels[:, 0], clean[0].argmax(1)
        attacks = earlier_attacks(earlier, labels, predictions, planned) if earlier is not None else {}
        standing = predictions == labels
        for result in attacks.values():
            standing &= (result.predictions == labels) | (result.norms is not None)
        waiting = deque(planned)
        while waiting:
            attack = waiting.popleft()
            attacked = next((result for result in attacks.values() if covers(result, attack)), None)
            if attacked is None:
                attacked = shared.attack(attack, model, samples, clean, None if attack.of_set is None else standing)
                attacks[attack.name] = attacked
                if attack.attack.within_epsilon:
                    standing &= attacked.predictions == labels
            waiting += attack.escalated(int((attacked.predictions != labels).sum()), len(labels))
    return Measured(
        labels=labels,
        clean=predictions,
        within={name: attacked for name, attacked in attacks.items() if attacked.norms is None},
        beyond={name: attacked for name, attacked in attacks.items() if attacked.norms is not None},
        auxiliary=_auxiliary(clean, samples.labels),
    )


def evaluate(
    config: Config,
    state: Mapping[str, Any],
    run: Run,
    earlier: Report | None = None,
    *,
    retrain: Retrain | None = None,
) -> Report:
    """Test a stored state: accuracies with n and a Wilson 95 % interval, predictions, galleries and analyses.

    `retrain`: retrains networks for the analyses that need them (see `retrained_right`). `earlier`: a report of
    the same state, from which this one continues (see `measure`). Where several test images show
    the same thing, the interval is by group, and `groups` are stored with predictions. It is conditional on the
    trained network, the attacks and the split: it says how sure the accuracy on further samples like these is, and
    nothing of other seeds, subsets or splits.
    """
    parts = splits(config, run.data(dataset_of(config)), run.device)
    samples = parts.test
    model = load(config, state).to(run.device)
    measured = measure(config, model, samples, tested=True, earlier=earlier)
    low, high = grouped_wilson(measured.survived, samples.groups)
    metrics = measured.metrics("test") | {
        "test/robust_accuracy.worst_case_low": low,
        "test/robust_accuracy.worst_case_high": high,
        "test/samples": float(len(samples)),
    }
    with frozen(model):
        needs = ANALYSES.needs(config)
        corruptions = CorruptedImages.of_samples(samples, run) if CORRUPTED in needs else None
        retrained = None if retrain is None else partial(retrain, config, run, model, parts)
        others = _other_samples(config, parts, run, needs)
        tested = AnalysedModel(config, model, samples, measured.survived, retrained, others, corruptions)
        analysed = ANALYSES.run(config, tested.parts(needs))
    arrays = {**measured.arrays(), **analysed.arrays, SHOWN: torch.arange(min(SHOWN_IMAGES, len(samples)))}
    if samples.groups is not None and several_to_a_group(samples.groups):
        metrics["test/groups"] = float(number_of_groups(samples.groups))
        arrays["groups"] = samples.groups
    return Report(
        metrics | {f"test/{name}": value for name, value in analysed.metrics.items()},
        arrays={name: tensor.cpu().numpy() for name, tensor in arrays.items()},
        images=galleries(config, model, samples) | analysed.images,
        fingerprints={"attacks": measured.facts()},
    )


def attack_test(config: Config, state: Mapping[str, Any], run: Run) -> Report:
    """The attacks of a test, shared out over the ranks of a `run`: what `evaluate` continues from as `earlier`."""
    samples = splits(config, run.data(dataset_of(config)), run.device).test
    measured = measure(config, load(config, state).to(run.device), samples, tested=True, run=run)
    arrays = {name: tensor.cpu().numpy() for name, tensor in measured.arrays().items()}
    return Report(measured.metrics("test"), arrays=arrays, fingerprints={"attacks": measured.facts()})


def _other_samples(config: Config, parts: Splits, run: Run, needs: Collection[str]) -> dict[str, Samples]:
    """Further images that the chosen analyses look at, by the names of their needs."""
    other = {TRAINING: parts.train} if TRAINING in needs else {}
    return other | ({SHIFTED: shifted_samples(config, run)} if SHIFTED in needs else {})


def _auxiliary(clean: list[Tensor], labels: Tensor) -> float | None:
    """Accuracy averaged over the auxiliary tasks."""
    right = [(head.argmax(1) == labels[:, m]).to(torch.float64).mean() for m, head in enumerate(clean) if m > 0]
    return float(torch.stack(right).mean()) if right else None
