"""A cache that drops the least recently used. Imports nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class LRUCache:
    """Values by key, `most` of them at most."""

    most: int = 16
    values: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The value of the key, made by `make` if there is none; the least recently used are dropped first."""
        if key not in self.values:
            while len(self.values) >= self.most:
                self.values.popitem(last=False)
            self.values[key] = make()
        self.values.move_to_end(key)
        return self.values[key]
