"""A run that only looks at data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from trainables.contract import InProcessRun
from trainables.datasets.availability import how_to_get
from trainables.datasets.config import known_name
from trainables.datasets.errors import DataError, DataNotFoundError
from trainables.datasets.root import data_root as find_root

ASSUMED = "; until then, estimates use assumed images and classes where the study doesn't give them"


@dataclass
class CheckingRun(InProcessRun):
    """A run that loads every dataset once for all configurations that are checked; a failure is repeated for each."""

    loaded: dict[str, Any] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """What isn't there, by description, and how to get it."""
    asked: set[str] = field(default_factory=set)
    """The datasets that were asked for since this was last cleared, by description."""
    noted: list[str] = field(default_factory=list)
    """Remarks on datasets that weren't loaded, as they passed before."""

    def data(self, name: Any) -> Any:
        key = repr(name)
        self.asked.add(key)
        if key not in self.loaded:
            try:
                self.loaded[key] = super().data(name)
            except DataError as error:
                self.loaded[key] = error
                if isinstance(error, DataNotFoundError):
                    known = known_name(name)
                    self.absent[key] = how_to_get(known, find_root(self.data_root)) if known else f"{error}{ASSUMED}"
        if isinstance(self.loaded[key], DataError):
            raise self.loaded[key]
        return self.loaded[key]

    @property
    def remarks(self) -> list[str]:
        """What should be known of how the datasets were read."""
        return list(dict.fromkeys([*self.noted, *self.remarks_on(self.loaded)]))

    def remarks_on(self, keys: Iterable[str]) -> list[str]:
        """What should be known of how these datasets were read."""
        datasets = [self.loaded[key] for key in self.loaded if key in set(keys)]
        return [f"dataset {data.name}: {of}" for data in datasets for of in getattr(data, "remarks", ())]
