"""What happens to an epoch's batches before a step: they are augmented, mixed and perturbed."""

from __future__ import annotations

from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.perturbations.perturber import Perturber
from trainables.adversarial_training.training.augmentation import CropFlip
from trainables.adversarial_training.training.mixes import Mixes
from trainables.adversarial_training.training.objective import StepBatch
from trainables.contract import Run
from trainables.models.multi_task import MultiTaskNetwork
from trainables.randomness import Share


class EpochBatches:
    """The augmentation, the mixes and the perturbations of one epoch, with their random streams."""

    def __init__(self, config: Config, run: Run, epoch: int) -> None:
        share = Share(run.rank, run.world_size)
        self.perturb = Perturber(config, run.seed, epoch, share, run.mean)
        self.augment = make_augmentation(config, run.seed, epoch, share)
        self.mixes = Mixes(config, run.seed, epoch, share) if config.augmix else None

    def batch(self, model: MultiTaskNetwork, images: Tensor, labels: Tensor, epsilon: float, whole: int) -> StepBatch:
        """The batch of a step, from images (N, C, H, W) and labels (N, 1 + M) of this rank; `whole`: of all ranks.

        `model`: the bare network, which is attacked within `epsilon`.
        """
        if self.augment is not None:
            images = self.augment(images, whole)
        mixes: list[Tensor] = []
        if self.mixes is not None:
            mixes = self.mixes.of(images, whole)
            if self.mixes.replace:
                [images], mixes = mixes, []
        eta = self.perturb(model, images, labels, epsilon, whole)
        return StepBatch(images, images + eta, labels, mixes)


def make_augmentation(config: Config, seed: int, epoch: int, share: Share) -> CropFlip | None:
    """The random crops of an epoch's images; None if they stay unchanged."""
    if config.augmentation == "none":
        return None
    return CropFlip(seed, epoch, share, mirrored=config.augmentation == "crop_flip")
