"""Constants for estimating the work of a trial on defects. Imports no torch."""

from __future__ import annotations

from trainables.datasets.config import Facts

UNKNOWN = Facts(title="own data", shape=(3, 224, 224), classes=("undamaged", "damaged"), train=2_000, test=500)
"""Assumed for own data that can't be described without opening it."""

TRAINED = 3
"""A training pass costs its forward pass, the gradients of inputs and those of weights."""
