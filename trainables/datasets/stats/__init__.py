"""Statistics of a dataset: how far apart its classes are, by S3's measure and by others."""

from trainables.datasets.stats.describing import describe
from trainables.datasets.stats.separation import Separation, inter_class_variance, measure_separation

__all__ = ["Separation", "describe", "inter_class_variance", "measure_separation"]
