"""How much a trial computes and stores, estimated before anything runs. Imports no torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from trainables.adversarial_training.analysis import NETWORK
from trainables.adversarial_training.analysis_table import ANALYSES
from trainables.adversarial_training.attacks.attack_plan import attacks_taken
from trainables.adversarial_training.attacks.costs import FORWARD_AND_ALL, FORWARD_AND_INPUT, STANDING
from trainables.adversarial_training.combinations import student_start, validated_epochs
from trainables.adversarial_training.config import Config
from trainables.adversarial_training.overfitting_watch import WATCHED_IMAGES, is_watched
from trainables.adversarial_training.perturbations.rungs import training_attack
from trainables.adversarial_training.perturbations.table import KINDS
from trainables.datasets.auxiliary_tasks.tasks import resolve_task
from trainables.datasets.config import Facts, FolderDataset, ParquetDataset, known_facts, own_transformation
from trainables.datasets.errors import DataError
from trainables.datasets.files.locations import Folder, LocalFolder
from trainables.datasets.formats.layout import find_layout, folders_in, is_image, visible
from trainables.datasets.formats.parquet_files import count_rows, find_files
from trainables.input_transformations.table import TRANSFORMATIONS
from trainables.models.sizes import Size
from trainables.models.sizes import network_size as size_of

UNKNOWN = Facts(title="own data", shape=(3, 32, 32), classes=tuple("0123456789"), train=5_000, test=1_000)
"""Assumed for own data that can't be described without opening it."""
UNSEEN = replace(UNKNOWN, title="own data that is not on this machine")
"""For such data a study may state how many images it uses."""

TEACHER = 0.5
"""A forward pass of a teacher relative to a step of an attack."""

FGSM_AND_ALIGNMENT = 4
"""Steps that the signals of catastrophic overfitting take in addition to PGD's."""

STATE_EXTRAS = 14_000
"""Bytes of a stored state apart from its tensors: their names, and the container's."""


def estimate(config: Config) -> tuple[float, int]:
    """Multiply-adds of a whole trial, evaluation included, and bytes of one stored state."""
    trained, attacked = passes(config)
    size = network_size(config)
    copies = 3 if config.optimizer == "adam" else 2 if config.momentum else 1
    copies += config.weight_average > 0 or config.swa_start is not None
    copies += config.distillation != "none"
    operations = size.macs * (FORWARD_AND_ALL * trained + FORWARD_AND_INPUT * attacked)
    return operations, 4 * copies * size.parameters + STATE_EXTRAS


def facts_of(dataset: Any) -> Facts:
    """The facts of a dataset; for own data what can be seen from outside: its files are counted, not opened."""
    if isinstance(dataset, FolderDataset):
        return _of_folder(Path(dataset.folder).expanduser(), dataset.height_width)
    if isinstance(dataset, ParquetDataset):
        return _of_parquet(dataset)
    return known_facts(dataset) or UNKNOWN


def chosen_facts(config: Config) -> Facts:
    """The facts of a dataset after classes were chosen, as if all had equally many images."""
    facts = _as_taken(facts_of(config.dataset), config)
    count = (own_transformation(config.dataset) or config).class_count
    if count is None or count >= len(facts.classes):
        return facts
    share = count / len(facts.classes)
    train, test = (max(1, round(share * images)) for images in (facts.train, facts.test))
    return replace(facts, classes=facts.classes[:count], train=train, test=test)


def _as_taken(facts: Facts, config: Config) -> Facts:
    """The facts; for unseen data with as many images as the configuration uses of each split."""
    if facts.title != UNSEEN.title:
        return facts
    return replace(facts, train=config.train_size or facts.train, test=config.test_size or facts.test)


def _of_folder(folder: Path, size: tuple[int, int] | None) -> Facts:
    """Sizes of the splits that loading finds in a folder, or of all its images split 80/20."""
    try:
        layout = find_layout(LocalFolder(folder))
        sizes = {split: _count(part) for split, part in layout.splits.items()}
        classes = tuple(child.name for child in folders_in(layout.splits.get("train", layout.root)))
        images = sizes.get("train") or _count(layout.root)
    except DataError:  # absent or malformed, which loading it reports
        return replace(UNSEEN, shape=_shape(size))
    tests = sizes.get("test", images // 5)
    if not images:
        return UNKNOWN
    train = images if layout.splits else images - tests
    return replace(UNKNOWN, shape=_shape(size), classes=classes, train=train, test=tests)


def _count(part: Folder) -> int:
    """How many images the class folders of a split contain."""
    return sum(is_image(child) for class_folder in folders_in(part) for child in visible(class_folder))


def _of_parquet(dataset: ParquetDataset) -> Facts:
    """Sizes from the files' footers; none for files on S3, which an estimate doesn't read."""
    addresses = dataset.parquet.splits
    if any(address.startswith("s3://") for address in addresses.values()):
        return replace(UNSEEN, shape=_shape(dataset.height_width))
    try:
        counts = {split: count_rows(files) for split, files in find_files(addresses).items()}
    except DataError:  # absent or damaged, which loading it reports
        return replace(UNSEEN, shape=_shape(dataset.height_width))
    return replace(UNKNOWN, shape=_shape(dataset.height_width), train=counts["train"], test=counts["test"])


def _shape(size: tuple[int, int] | None) -> tuple[int, int, int]:
    return (UNKNOWN.shape[0], *size) if size is not None else UNKNOWN.shape


def passes(config: Config) -> tuple[float, float]:
    """From how many single images a trial takes the gradients of weights, and how many steps of attacks it takes.

    Each of them is a pass through the network; `preprocessing` that is random takes several for each step of a test.
    """
    facts = chosen_facts(config)
    held_out = held_out_images(config, facts)
    trained, steps = training_passes(config)
    tested = min(config.test_size or facts.test, facts.test)
    classes = len(facts.classes)
    validations = len(validated_epochs(config))
    measured = validations * held_out * _attack_steps(config, classes, tested=False)
    if is_watched(config):
        measured += validations * min(held_out, WATCHED_IMAGES) * (config.attack_steps + FGSM_AND_ALIGNMENT)
    measured += tested * _attack_steps(config, classes, tested=True)
    measured += ANALYSES.cost(config, tested).get(NETWORK, 0.0) / FORWARD_AND_INPUT
    return trained, steps + measured * draws_of(config)


def training_passes(config: Config) -> tuple[float, float]:
    """The same for the training alone: from how many images gradients of weights are taken, and steps of attacks."""
    facts = chosen_facts(config)
    trained = config.epochs * training_images(config, facts)
    kind = KINDS.get(config.perturbation, KINDS["mp"])  # the retired one mixed all tasks, too
    steps = trained * kind.attacks(len(config.tasks)) * kind.steps(training_attack(config, config.epsilon).steps)
    steps += trained * student_share(config) * TEACHER
    return trained * passes_of_step(config), steps


def held_out_images(config: Config, facts: Facts) -> float:
    """How many images are held out of the training split."""
    share = config.validation_fraction if config.folds is None else 1 / config.folds
    return share * min(config.train_size or facts.train, facts.train)


def training_images(config: Config, facts: Facts) -> float:
    """How many images an epoch trains on; with folds, `train_size` counts the held-out ones, too."""
    wanted, held_out = min(config.train_size or facts.train, facts.train), held_out_images(config, facts)
    return min(wanted, facts.train - held_out) if config.folds is None else wanted - held_out


def passes_of_step(config: Config) -> float:
    """How often a step takes the gradients of the weights from an image, mixes included."""
    once = (2 if config.objective == "trades" else 1) + (2 if config.augmix and config.jsd_weight else 0)
    perturbed = 1 - min(1.0, config.awp_warmup / config.epochs) if config.awp_gamma else 0.0
    return once * (1 + perturbed)


def student_share(config: Config) -> float:
    """The share of a distillation's epochs in which the teacher predicts every image."""
    return 1 - student_start(config) / config.epochs if config.distillation != "none" else 0.0


def draws_of(config: Config) -> int:
    """How many passes validation and test take for each single pass."""
    kind = TRANSFORMATIONS.get(config.preprocessing)
    return config.eot_draws if kind is not None and kind.is_random else 1


def _attack_steps(config: Config, classes: int, *, tested: bool) -> float:
    """Steps of the attacks on one image that a test takes, or a validation; see `STANDING`."""
    planned = attacks_taken(config, tested=tested)
    within = [attack for attack in planned if attack.attack.within_epsilon]
    return sum(
        attack.attack.cost(attack.budget, classes) * (1.0 if attack.of_set is None or attack is within[0] else STANDING)
        for attack in planned
    )


def network_size(config: Config) -> Size:
    """Multiply-adds of the network's forward pass for one image, and how many parameters it has."""
    facts = facts_of(config.dataset)
    main = len(chosen_facts(config).classes)
    channels, *pixels = facts.shape
    if config.image_size is not None:
        pixels = [config.image_size, config.image_size]
    outputs = main + sum(_labels(name, labels, facts) for name, labels in config.tasks.items())
    size = size_of(
        config.network, (channels, *pixels), outputs, config.width, config.depth, config.depth_rule, config.denoising
    )
    if config.head == "angular":
        size.parameters -= outputs  # heads without biases
    return size


def _labels(name: str, labels: dict[str, int | str], facts: Facts) -> int:
    """How many labels a task has; for own data, whose classes aren't known yet, as many as its mapping names."""
    return len(set(labels.values())) if labels else resolve_task(name, labels, facts.classes).classes
