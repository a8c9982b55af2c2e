"""The study designs that there are: the subclass of `Design` in each file of `saddle.design.designs`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pydantic import create_model

from saddle.design import designs as folder
from saddle.design.design import Design
from saddle.errors import DesignError
from saddle.study.ablation import Ablation, DesignChoice
from saddle.study.field_types import OneOf
from saddle.study.nearest import nearest


@lru_cache(maxsize=1)
def designs() -> Mapping[str, type[Design]]:
    """The designs by the names of their files, which study files call them by.

    Raises `TypeError` for a file that has not exactly one.
    """
    return {name: _only_design(name) for name in sorted(module.name for module in iter_modules(folder.__path__))}


def _only_design(name: str) -> type[Design]:
    module = import_module(f"{folder.__name__}.{name}")
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    classes = [value for value in own if issubclass(value, Design)]
    if len(classes) != 1:
        raise TypeError(f"{module.__name__} has {len(classes)} subclasses of Design; every file of its folder has one")
    return classes[0]


def design_of(ablation: Ablation) -> Design:
    """The design of an ablation, with its options; raises `DesignError` if there is none of that name."""
    name, known = ablation.design.name, designs()
    if name not in known:
        near = nearest(name, known)
        raise DesignError(f"design {name} does not exist" + (f"; did you mean {near}?" if near else ""))
    return known[name].model_validate(ablation.design.options)


@lru_cache(maxsize=1)
def choice_model() -> type[OneOf]:
    """The model of `ablation.design` in a study file: one of the designs, with its options."""
    fields: dict[str, Any] = {name: (design | None, None) for name, design in designs().items()}
    return create_model(DesignChoice.__name__, __base__=OneOf, __doc__=DesignChoice.__doc__, **fields)


def chosen(choice: OneOf) -> DesignChoice:
    """A valid choice as an ablation keeps it, with every option of the design stated."""
    return DesignChoice.model_validate({choice.name: choice.options.model_dump()})
