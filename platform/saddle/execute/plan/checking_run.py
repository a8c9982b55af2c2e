"""A run that only looks at data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from trainables.contract import InProcessRun
from trainables.datasets.availability import how_to_get
from trainables.datasets.config import known_name
from trainables.datasets.errors import DataError, DataNotFoundError
from trainables.datasets.root import data_root as find_root


@dataclass
class CheckingRun(InProcessRun):
    """A run that loads every dataset once, however many configurations are checked against it, and fails alike."""

    loaded: dict[str, Any] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    """What isn't there, by description, and how to get it."""

    def data(self, name: Any) -> Any:
        key = repr(name)
        if key not in self.loaded:
            try:
                self.loaded[key] = super().data(name)
            except DataError as error:
                self.loaded[key] = error
                if isinstance(error, DataNotFoundError):
                    known = known_name(name)
                    self.absent[key] = how_to_get(known, find_root(self.data_root)) if known else str(error)
        if isinstance(self.loaded[key], DataError):
            raise self.loaded[key]
        return self.loaded[key]

    @property
    def remarks(self) -> list[str]:
        """What should be known of how the datasets were read."""
        return [f"dataset {data.name}: {of}" for data in self.loaded.values() for of in getattr(data, "remarks", ())]
