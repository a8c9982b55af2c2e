"""Shared by the analyses of explanations: values by attribution method, over the images that have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from trainables.adversarial_training.attacks.costs import FORWARD_AND_INPUT
from trainables.contract import Metric
from trainables.evaluation.analysis import Findings
from trainables.interpretability.attributions import METHODS

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.interpretability.explained import ExplainedImages

MapMeasure = Callable[[str, "Tensor"], Mapping[str, "Tensor"]]
"""A method and its maps (N, H, W) → values (N,) by the names of metrics without the method."""


def by_method(explained: ExplainedImages, measure: MapMeasure) -> Findings:
    """Arrays called `METRIC.METHOD` of the maps of every method."""
    return Findings(
        arrays={
            f"{metric}.{method}": values.cpu()
            for method, maps in explained.maps.items()
            for metric, values in measure(method, maps).items()
        }
    )


def means(arrays: Mapping[str, Tensor]) -> dict[str, float]:
    """The mean of each array over the images that have a value (others are NaN); without any it is left out."""
    known = {name: values[~values.isnan()] for name, values in arrays.items()}
    return {name: float(values.mean()) for name, values in known.items() if len(values)}


def medians(arrays: Mapping[str, Tensor]) -> dict[str, float]:
    """The same with the median, for values that spread over orders of magnitude."""
    known = {name: values[~values.isnan()] for name, values in arrays.items()}
    return {name: float(values.quantile(0.5)) for name, values in known.items() if len(values)}


def metrics_by_method(measures: Mapping[str, Metric]) -> dict[str, Metric]:
    """Metrics declared without the method, for every one there is."""
    return {f"{name}.{method}": metric for name, metric in measures.items() for method in METHODS}


def map_passes(config: Any, tested: int, times: float) -> float:
    """Passes that `times` maps of each explained image by every chosen method take."""
    passes = sum(METHODS[name].passes for name in config.attributions)
    return FORWARD_AND_INPUT * min(tested, int(config.explained_images)) * passes * times
