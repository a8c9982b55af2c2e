"""Ablation designs: which arms are trained, with which seeds, and what is paired with what."""

from saddle.design.arm import Arm, Replicate, labels
from saddle.design.arms import make_arms
from saddle.design.design import Design
from saddle.design.registry import design_of
from saddle.design.replicates import blocks_of_study, replicates, replicates_of, replicates_of_study
from saddle.errors import DesignError

__all__ = [
    "Arm",
    "Design",
    "DesignError",
    "Replicate",
    "blocks_of_study",
    "design_of",
    "labels",
    "make_arms",
    "replicates",
    "replicates_of",
    "replicates_of_study",
]
