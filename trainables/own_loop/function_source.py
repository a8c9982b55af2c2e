"""What the source of a function shows before it is called."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

FRAMEWORK_RESUMES = (("fit", "ckpt_path"), ("train", "resume_from_checkpoint"))
"""The methods of a Lightning and a Hugging Face `Trainer`, and the arguments by which each resumes a checkpoint."""


def calls_of(function: Callable[..., Any]) -> list[ast.Call]:
    """Every call in the source of a function; none if its source is not available."""
    try:
        source = getattr(function, "__saddle_source__", "") or inspect.getsource(function)
        tree = ast.parse(textwrap.dedent(source))
    except (OSError, TypeError, SyntaxError):
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def resumes(function: Callable[..., Any]) -> bool:
    """Whether it asks for a stored state itself; a helper that does so for it isn't detected."""
    return any(
        method_of(call) in ("restore", "resume")
        or any((method_of(call), keyword.arg) in FRAMEWORK_RESUMES for keyword in call.keywords)
        for call in calls_of(function)
    )


def reports_state(function: Callable[..., Any]) -> bool:
    """Whether it reports more than metrics, as far as the source shows: without `report` in it, a helper may do so."""
    reports = [call for call in calls_of(function) if method_of(call) == "report"]
    return not reports or any(call.keywords for call in reports)


def method_of(call: ast.Call) -> str:
    """The name of the method that is called; empty for what is not a method."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""
