"""AugMix on one epoch's batches; ranks draw for the whole batch, and each takes its own part."""

from __future__ import annotations

from torch import Tensor

from trainables.adversarial_training.config import Config
from trainables.datasets.augmentation.augmix import AugMix, MixDraws, mix
from trainables.randomness import Share, stream


class Mixes:
    """Two mixes of each image whose predictions should agree, or one that replaces the image.

    What an image is mixed with depends on seed, epoch and its place in the epoch's order alone.
    """

    def __init__(self, config: Config, seed: int, epoch: int, share: Share | None = None) -> None:
        self.config, self.share = config, share or Share()
        self.how = AugMix(config.augmix_severity, config.augmix_width, config.augmix_depth)
        self.draws = stream(seed, "augmix", epoch)

    @property
    def replace(self) -> bool:
        """Whether the mix replaces the image because no loss compares them."""
        return self.config.jsd_weight == 0

    def of(self, images: Tensor, whole: int | None = None) -> list[Tensor]:
        """The mixes (N, C, H, W) of images (N, C, H, W): one, or two to be compared. `whole`: of all ranks."""
        count = len(images) if whole is None else whole
        return [mix(images, self._own(self.how.draw(count, self.draws))) for _ in range(1 if self.replace else 2)]

    def _own(self, draws: MixDraws) -> MixDraws:
        return draws.of(slice(self.share.rank, None, self.share.world_size))
