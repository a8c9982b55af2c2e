"""Ablation designs: which arms are trained, with which seeds, and what is paired with what."""

from saddle.design.arm import Arm, DesignError, Replicate, labels
from saddle.design.arms import make_arms
from saddle.design.replicates import replicates, replicates_of

__all__ = ["Arm", "DesignError", "Replicate", "labels", "make_arms", "replicates", "replicates_of"]
