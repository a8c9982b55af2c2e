"""The interface of analyses of a tested model. Imports no torch until one is run.

A trainable has a folder of analyses, one in each file, and an `AnalysisTable` of them, for its configuration, metrics,
costs and evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from trainables.contract import Metric

Part = TypeVar("Part")
"""What a trainable gives its analyses: some or all of the test images, with the model's results on them."""


@dataclass
class Findings:
    """Metrics named without their split, arrays, pictures, and fingerprints of what they depend on."""

    metrics: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    images: dict[str, Any] = field(default_factory=dict)
    fingerprints: dict[str, Any] = field(default_factory=dict)

    def add(self, other: Findings) -> None:
        """Add the findings of another analysis."""
        self.metrics |= other.metrics
        self.arrays |= other.arrays
        self.images |= other.images
        self.fingerprints |= other.fingerprints


def costs_nothing(config: Any, tested: int) -> Mapping[str, float]:
    """The cost of an analysis that uses what has been computed anyway."""
    return {}


@dataclass(frozen=True)
class Analysis(Generic[Part]):
    """An analysis of a tested model; `says` is a clause for the description of the hyperparameter `analyses`.

    `metrics`: all that it may report, named without their split. `measure`: for one part of test images, arrays with
    a value for each image, or everything if a trainable has a single part. `summarise`: the findings on
    all parts, from the configuration and their concatenated arrays. `needs`: inputs that are computed
    only for analyses, by the names of the table; others aren't computed. `cost`: passes of each network, by name, on
    so many tested images, where a forward pass counts one and a backward pass one more; without its needs.
    """

    name: str
    says: str
    metrics: Mapping[str, Metric]
    measure: Callable[[Part], Findings]
    summarise: Callable[[Any, Mapping[str, Any]], Findings] | None = None
    needs: frozenset[str] = frozenset()
    cost: Callable[[Any, int], Mapping[str, float]] = costs_nothing


@dataclass(frozen=True)
class Provision:
    """An input that is computed once for all analyses that need it.

    `cost`: as of an analysis. `refusal`: why it can't be computed with a configuration, as the end of a sentence
    that begins with the analyses' names; empty if it can.
    """

    cost: Callable[[Any, int], Mapping[str, float]]
    refusal: Callable[[Any], str] = lambda config: ""


@dataclass(frozen=True)
class AnalysisTable(Generic[Part]):
    """The analyses of a trainable by their names, and their inputs; a configuration's `analyses` choose.

    Raises `TypeError` for an analysis that needs what the trainable doesn't provide.
    """

    entries: Mapping[str, Analysis[Part]]
    provisions: Mapping[str, Provision] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in self.entries.values():
            unknown = sorted(entry.needs - self.provisions.keys())
            if unknown:
                known = ", ".join(self.provisions) or "nothing"
                raise TypeError(f"analysis {entry.name!r} needs {unknown[0]!r}; its trainable makes {known}")

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every possible metric of a test, with its split."""
        return {f"test/{name}": of for entry in self.entries.values() for name, of in entry.metrics.items()}

    @property
    def described(self) -> str:
        """All of them in a line, for the description of the hyperparameter."""
        return "; ".join(f"{entry.name}, {entry.says}" for entry in self.entries.values())

    def chosen(self, config: Any) -> list[Analysis[Part]]:
        """The analyses that a configuration names, in its order."""
        return [self.entries[name] for name in config.analyses if name in self.entries]

    def needs(self, config: Any) -> frozenset[str]:
        """The inputs of those that a configuration names."""
        return frozenset[str]().union(*(entry.needs for entry in self.chosen(config)))

    def refusal(self, config: Any) -> str:
        """Why the chosen analyses can't be run, a whole sentence; empty if they can."""
        for need in sorted(self.needs(config)):
            if reason := self.provisions[need].refusal(config):
                names = [entry.name for entry in self.chosen(config) if need in entry.needs]
                return f"analyses {', '.join(names)} {reason}"
        return ""

    def cost(self, config: Any, tested: int) -> dict[str, float]:
        """Passes of each network, by its name, that a test of so many images takes for the chosen analyses."""
        sources = [entry.cost for entry in self.chosen(config)]
        sources += [self.provisions[need].cost for need in sorted(self.needs(config))]
        total: dict[str, float] = {}
        for cost in sources:
            for network, passes in cost(config, tested).items():
                total[network] = total.get(network, 0.0) + passes
        return total

    def run(self, config: Any, parts: Iterable[Part]) -> Findings:
        """The findings of the chosen analyses; without any, `parts` is not iterated. Each part is used once."""
        findings, chosen = Findings(), self.chosen(config)
        if not chosen:
            return findings
        measured: list[list[Findings]] = [[] for _ in chosen]
        for part in parts:
            for entry, results in zip(chosen, measured, strict=True):
                results.append(entry.measure(part))
        for entry, results in zip(chosen, measured, strict=True):
            if entry.summarise is not None:
                findings.add(entry.summarise(config, _joined(results)))
            else:
                for result in results:
                    findings.add(result)
        return findings


def _joined(findings: Sequence[Findings]) -> dict[str, Any]:
    import torch

    return {name: torch.cat([part.arrays[name] for part in findings]) for name in findings[0].arrays}
