"""Registries with one entry in each file: the values of a type in the modules of a package."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Protocol, TypeVar


class Named(Protocol):
    """Anything that is chosen by its name."""

    @property
    def name(self) -> str:
        """The name, as a study file writes it."""


T = TypeVar("T", bound=Named)


def discover(package: ModuleType, kind: type[T]) -> dict[str, T]:
    """Every entry of type `kind` at the top level of a module of `package`, by the entry's name.

    Modules are imported in the order of their names, and entries of one module come in the order of its lines. Raises
    `TypeError` for a module without an entry, and for two entries of one name.
    """
    entries: dict[str, T] = {}
    for module in _modules(package):
        own = [value for value in vars(module).values() if isinstance(value, kind)]
        if not own:
            raise TypeError(f"{module.__name__} has no {kind.__name__} at its top level; every file of its folder does")
        for entry in own:
            if entries.setdefault(entry.name, entry) is not entry:
                raise TypeError(f"{module.__name__} has a {kind.__name__} {entry.name!r}, and so has another file")
    return entries


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    names = sorted(module.name for module in iter_modules(package.__path__) if not module.name.startswith("_"))
    return (import_module(f"{package.__name__}.{name}") for name in names)
