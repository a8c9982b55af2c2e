"""A model that was trained elsewhere: a function in a file of the user's that returns it."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from saddle.errors import UserError
from saddle.redaction import redact
from saddle.study.nearest import nearest


def load_model_file(address: str) -> Any:
    """The `torch.nn.Module` that `FILE.py:FUNCTION` returns; raises `UserError` saying what is wrong with either."""
    from torch import nn

    file, colon, name = address.rpartition(":")
    if not colon or not file or not name:
        raise UserError(f"--model {address}: write FILE.py:FUNCTION, a function that returns the model")
    function = find_function(load_file(Path(file).expanduser()), file, name)
    with as_the_users(f"{name}() of {file}"):
        model = function()
    if not isinstance(model, nn.Module):
        returned = "nothing" if model is None else f"{type(model).__module__}.{type(model).__qualname__}"
        raise UserError(f"{name}() of {file} returns {returned}, and not a torch.nn.Module that gives logits of pixels")
    return model


def load_file(path: Path) -> ModuleType:
    """The file as a module that can import the others in its folder."""
    if not path.is_file():
        raise UserError(f"--model: file {path} does not exist")
    spec = importlib.util.spec_from_file_location(f"saddle_model_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise UserError(f"--model: {path} is not a Python file; name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickles of it look it up there
    sys.path.insert(0, str(path.resolve().parent))
    with as_the_users(str(path)):
        spec.loader.exec_module(module)
    return module


def find_function(module: ModuleType, file: str, name: str) -> Any:
    """The function of this name, which takes no arguments."""
    function = getattr(module, name, None)
    if not callable(function):
        functions = [
            key for key, value in vars(module).items() if inspect.isfunction(value) and not key.startswith("_")
        ]
        hint = nearest(name, functions)
        listed = f"; it has {', '.join(functions)}" if functions else "; it has no function"
        raise UserError(f"--model: {file} has no function {name!r}" + (f"; did you mean {hint}?" if hint else listed))
    try:
        needed = [
            parameter.name
            for parameter in inspect.signature(function).parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
    except ValueError:  # a builtin without a signature
        needed = []
    if needed:
        raise UserError(f"--model: {name}() of {file} must take no arguments; it requires {', '.join(needed)}")
    return function


@contextlib.contextmanager
def as_the_users(label: str) -> Iterator[None]:
    """Turn what the user's own code raises into one line; what it prints goes to standard error."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = next((frame for frame in reversed(frames) if "site-packages" not in frame.filename), None)
        line = (
            f" (line {own.lineno} of {own.filename})"
            if own is not None and "saddle" not in Path(own.filename).parts
            else ""
        )
        message = redact(" ".join(str(error).split()))[:500]
        raise UserError(f"{label} raised {type(error).__name__}{': ' * bool(message)}{message}{line}") from error
