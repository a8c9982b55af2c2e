"""Ablation designs: which arms are trained, with which seeds, and what is paired with what."""

from saddle.design.arm import Arm, DesignError, Replicate, replicates
from saddle.design.arms import make_arms

__all__ = ["Arm", "DesignError", "Replicate", "make_arms", "replicates"]
