"""All transformations of input, one or a family in each file of `kinds`. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping

import trainables.input_transformations.kinds as kinds
from trainables.discovery import discover
from trainables.input_transformations.kind import TransformationKind

TRANSFORMATIONS: Mapping[str, TransformationKind] = discover(kinds, TransformationKind)
"""By the name that a study gives."""

NONE = "none"
"""The value for a network without a transformation."""


def described() -> str:
    """All of them in a line, for the description of the hyperparameter."""
    return "; ".join(f"{kind.name}, {kind.says}" for kind in TRANSFORMATIONS.values())
