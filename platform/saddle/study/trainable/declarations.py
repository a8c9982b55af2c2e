"""What a trainable declares, as plain data: enough to read what is stored of its trials where its code isn't."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from saddle.study.imported_table import ImportedTable
from trainables.contract import Component, Metric, Part, Role, complete_metric


@dataclass(frozen=True)
class Declarations:
    """The trainable called `name`, found at `entry_point` (`package.module:object`).

    `selection` is the metric that chooses checkpoints, `schema` the JSON schema of the configuration, `components` the
    parts of the method that an ablation may name, `evaluation_fields` those fields with other values of which stored
    checkpoints can be measured again, `data_measures` what it can say of a trial's data, with its meaning. Without any
    of this, metrics are what their names say. `open_metrics`: whether it may report metrics that aren't declared.
    `lacks`: what of the contract it does without. `sources`: the checksum of the sources of a trainable that is a file
    of the user's own. `imported`: the table that the trials come from, if none was trained here.
    """

    name: str = ""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    selection: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    components: Mapping[str, Component] = field(default_factory=dict)
    evaluation_fields: tuple[str, ...] = ()
    entry_point: str = ""
    data_measures: Mapping[str, str] = field(default_factory=dict)
    open_metrics: bool = False
    lacks: tuple[Part, ...] = ()
    sources: str = ""
    imported: ImportedTable | None = None

    def metric(self, name: str) -> Metric:
        """The metric called `name`, even if it isn't declared (see `complete_metric`)."""
        return self.metrics.get(name) or complete_metric(name)

    def in_role(self, role: Role, names: Iterable[str]) -> list[Metric]:
        """Those of the named metrics that have a role, in the order of declaration, undeclared ones last."""
        metrics = [metric for metric in map(self.metric, names) if metric.role == role]
        if len(metrics) < 2:
            return metrics
        order = {name: place for place, name in enumerate(self.metrics)}
        return sorted(metrics, key=lambda metric: order.get(metric.name, len(order)))

    @property
    def selected(self) -> Metric:
        """The metric that chooses checkpoints."""
        return self.metric(self.selection)

    @property
    def fields(self) -> Collection[str]:
        """The names of the hyperparameters."""
        names: Mapping[str, Any] = self.schema.get("properties", {})
        return names

    @property
    def plain(self) -> Declarations:
        """These alone, without what a subclass knows in addition."""
        return Declarations(**{field.name: getattr(self, field.name) for field in fields(Declarations)})

    def after(self, earlier: Declarations | None) -> Declarations:
        """These, and the metrics that only an earlier version declared: trials may have been measured with them."""
        return self.plain if earlier is None else replace(self.plain, metrics={**earlier.metrics, **self.metrics})


UNDECLARED = Declarations()
