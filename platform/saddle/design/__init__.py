"""Ablation designs: which arms are trained, with which seeds, and what is paired with what."""

from saddle.design.arm import Arm, DesignError, Replicate, labels, replicates
from saddle.design.arms import make_arms

__all__ = ["Arm", "DesignError", "Replicate", "labels", "make_arms", "replicates"]
