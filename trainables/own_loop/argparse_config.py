"""The options of a script's `argparse` parser as a configuration."""

from __future__ import annotations

import argparse
from typing import Any, Literal

from pydantic import Field, create_model

from trainables.contract import Config

LISTS = ("*", "+")


def config_from_parser(parser: argparse.ArgumentParser) -> type[Config]:
    """A configuration with a field for each option of `parser`: its type, default, choices and help.

    The study must set options without a default. Help and version, and options that call their own function
    for their value, other than a type, are left out.
    """
    fields = {action.dest: field_of(action) for action in parser._actions if is_option(action)}
    return create_model("Config", __base__=Config, **fields)


def is_option(action: argparse.Action) -> bool:
    """Whether an action gives a value to the script."""
    return action.dest not in (argparse.SUPPRESS, "help") and action.default is not argparse.SUPPRESS


def field_of(action: argparse.Action) -> Any:
    """The type and the default of a field for an option."""
    kind = type_of(action)
    default = ... if action.required else action.default
    if default is None:
        kind = kind | None
    help_text = None if action.help == argparse.SUPPRESS else action.help
    return kind, Field(default, description=help_text, json_schema_extra={"source": "assumed"})


def type_of(action: argparse.Action) -> Any:
    """The type of an option's value."""
    if isinstance(action, argparse.BooleanOptionalAction) or (action.nargs == 0 and isinstance(action.default, bool)):
        return bool
    if action.choices is not None:
        kind: Any = Literal[tuple(action.choices)]
    elif isinstance(action.type, type):
        kind = action.type
    elif action.type is None:
        kind = str if action.default is None or isinstance(action.default, str) else type(action.default)
    else:
        kind = Any
    return list[kind] if action.nargs in LISTS or (isinstance(action.nargs, int) and action.nargs > 0) else kind
