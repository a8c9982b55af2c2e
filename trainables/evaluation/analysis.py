"""The seam of analyses: what a tested model is asked besides its accuracy. Imports no torch until one is run.

A trainable has a folder of analyses, one to a file, and an `AnalysisTable` of them, which its configuration, metrics,
costs and evaluation ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from trainables.contract import Metric

Part = TypeVar("Part")
"""What a trainable gives its analyses: some of the test images, or all, with what is known of the model on them."""


@dataclass
class Findings:
    """Metrics named without their split, arrays, pictures, and what they rest on."""

    metrics: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    images: dict[str, Any] = field(default_factory=dict)
    fingerprints: dict[str, Any] = field(default_factory=dict)

    def add(self, other: Findings) -> None:
        """Take over what another analysis found."""
        self.metrics |= other.metrics
        self.arrays |= other.arrays
        self.images |= other.images
        self.fingerprints |= other.fingerprints


def costs_nothing(config: Any, tested: int) -> Mapping[str, float]:
    """Of an analysis that looks at what has been computed anyway."""
    return {}


@dataclass(frozen=True)
class Analysis(Generic[Part]):
    """An analysis of a tested model; `says` is a clause for the description of the hyperparameter `analyses`.

    `metrics`: all that it may report, named without their split. `measure`: of one part of the test images: arrays with
    a value for each image, or everything at once where a trainable has a single part. `summarise`: all that is found of
    all parts, from the configuration and their arrays put together. `needs`: what of a part it looks at that is made
    for analyses alone, by the names of the table; nothing else is made. `cost`: passes of each network, by its name, on
    so many tested images, forward ones counting one and backward ones one more; without what it needs.
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
    """What is made once for all analyses that need it.

    `cost` is as that of an analysis. `refusal`: why it can't be made with a configuration, as the end of a sentence
    that begins with the analyses' names; empty if it can.
    """

    cost: Callable[[Any, int], Mapping[str, float]]
    refusal: Callable[[Any], str] = lambda config: ""


@dataclass(frozen=True)
class AnalysisTable(Generic[Part]):
    """The analyses of a trainable by their names, and what is made for them; a configuration's `analyses` choose.

    Raises `TypeError` for an analysis that needs what the trainable doesn't make.
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
        """Every metric there can be of a test, with its split."""
        return {f"test/{name}": of for entry in self.entries.values() for name, of in entry.metrics.items()}

    @property
    def described(self) -> str:
        """All of them in a line, for the description of the hyperparameter."""
        return "; ".join(f"{entry.name}, {entry.says}" for entry in self.entries.values())

    def chosen(self, config: Any) -> list[Analysis[Part]]:
        """Those that a configuration names, in its order."""
        return [self.entries[name] for name in config.analyses if name in self.entries]

    def needs(self, config: Any) -> frozenset[str]:
        """What is to be made for those that a configuration names."""
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
        """All that the chosen analyses find; without any, `parts` is not begun. Each part is seen once."""
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
