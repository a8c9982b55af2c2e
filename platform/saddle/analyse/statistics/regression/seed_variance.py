"""The variance of a mean over few seeds, estimated from the seeds of the other units, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from saddle.analyse.statistics.paired.paired_t import Floats

PRIOR_FREEDOM = 4
"""The weight of the pooled variance in degrees of freedom, in addition to a unit's own."""


def sample_variances(samples: Sequence[Sequence[float]]) -> Floats:
    """The variance of each sample, (units,); 0 for a single value, which has no degree of freedom to weigh it with."""
    return np.array([np.var(values, ddof=1) if len(values) > 1 else 0.0 for values in samples])


def shrunk_variances(variances: Floats, counts: Any) -> Floats:
    """Variances (..., units) of samples of `counts` values, shrunk to the pooled one: ((n - 1)s² + 4 pooled)/(n + 3).

    A sample of one value has the pooled variance. Where no sample has two values all are 0, as nothing is known.
    """
    own = np.asarray(counts, dtype=float) - 1
    whole = np.broadcast_to(own, variances.shape).sum(-1, keepdims=True)
    pooled = (own * variances).sum(-1, keepdims=True) / np.maximum(whole, 1)
    return np.asarray((own * variances + PRIOR_FREEDOM * pooled) / (own + PRIOR_FREEDOM), dtype=float)


def shrunk_freedom(counts: Sequence[int]) -> Floats:
    """The degrees of freedom of shrunk variances, (units,): at most all that there are."""
    own = np.asarray(counts, dtype=float) - 1
    return np.asarray(np.minimum(own + PRIOR_FREEDOM, own.sum()), dtype=float)
