"""The analyses of a tested GAN, one in each file of `analyses`. Imports no torch."""

from __future__ import annotations

import trainables.counterfactual_gan.analyses as analyses
from trainables.counterfactual_gan.trained_gan import TrainedGAN
from trainables.discovery import discover
from trainables.evaluation.analysis import Analysis, AnalysisTable

ANALYSES: AnalysisTable[TrainedGAN] = AnalysisTable(discover(analyses, Analysis))
"""A test gives them everything in one part, which it computes anyway."""
