"""Loads the exported model; needs torch alone, as the code that it needs lies in `code`.

    from load import load_model, preprocess, CLASSES

    logits = load_model()(preprocess(image))   # (H, W), (H, W, C) or a batch (N, H, W, C), uint8 or float in [0, 1]

README.md is its model card.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import importlib.util
import inspect
import json
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CODE = HERE / "code"
ABOUT: dict[str, Any] = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
CLASSES: list[str] = list(ABOUT["input"]["classes"])
"""The names of the classes, in the order of the logits; empty where they are not known."""


def load_model() -> Any:
    """The trained model, on the CPU and in eval mode."""
    import torch

    state = torch.load(HERE / "state.pt", map_location="cpu", weights_only=True)
    with code_on_path():
        trainable = find_trainable()
        model = trainable.load(config_for(trainable), state)
    return model.eval() if hasattr(model, "eval") else model


def preprocess(image: Any) -> Any:
    """An image, or a batch of them, as the model takes it: float (N, C, H, W) in [0, 1], of its size and channels.

    `image`: (H, W), (H, W, C) or (N, H, W, C), uint8, or float in [0, 1]; a PIL image or array is fine, too. Raises
    `ValueError` for another shape.
    """
    import torch

    if not isinstance(image, torch.Tensor):
        import numpy

        image = torch.from_numpy(numpy.array(image))
    pixels = image.float() / 255 if image.dtype == torch.uint8 else image.float()
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim == 3:
        pixels = pixels[None]
    if pixels.ndim != 4:
        raise ValueError(f"an image of shape {tuple(image.shape)}; (H, W), (H, W, C) or (N, H, W, C) is wanted")
    pixels = pixels.permute(0, 3, 1, 2)
    shape = ABOUT["input"]["shape"]
    if not shape:
        return pixels
    channels, size = shape[0], tuple(shape[1:])
    if pixels.shape[1] != channels:
        grey = pixels[:, :3].mean(1, keepdim=True)
        pixels = grey if channels == 1 else grey.expand(-1, channels, -1, -1)
    if tuple(pixels.shape[2:]) != size:
        resized = torch.nn.functional.interpolate(pixels, size=size, mode="bilinear", antialias=True)
        pixels = resized.clamp(0, 1)
    return pixels.contiguous()


@contextlib.contextmanager
def code_on_path() -> Iterator[None]:
    """Import what lies in `code` first; stand-ins take the place of pydantic and saddle where they aren't installed."""
    paths = [str(CODE), str(CODE / "own")]
    sys.path[:0] = paths
    try:
        if not is_installed("pydantic"):
            stand_in = importlib.import_module("pydantic_stand_in")
            sys.modules.update({"pydantic": stand_in, "pydantic_core": stand_in})
        if not is_installed("saddle"):
            saddle = types.ModuleType("saddle")  # of a script that is a study's, too, only `load` is called here
            saddle.__dict__["from_argparse"] = lambda parser: argparse.Namespace
            sys.modules["saddle"] = saddle
        yield
    finally:
        sys.path[:] = [path for path in sys.path if path not in paths]


def is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False


def find_trainable() -> Any:
    """The module or object with `load`: an installed package's, or that of the user's own file in `code/own`."""
    address, _, name = ABOUT["entry_point"].partition(":")
    module = import_own(address) if address.endswith(".py") else importlib.import_module(address)
    trainable: Any = module
    for part in filter(None, name.split(".")):
        trainable = getattr(trainable, part)
    # of a training function `load` stands beside it
    return module if inspect.isfunction(trainable) else trainable


def import_own(file: str) -> Any:
    path = CODE / "own" / Path(file).name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


class Settings(types.SimpleNamespace):
    """A configuration of a function that declares none: `config.lr` and `config["lr"]`."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def config_for(trainable: Any) -> Any:
    """The configuration that the model was trained with, as the trainable's `load` takes it."""
    values, kind = dict(ABOUT["config"]), getattr(trainable, "Config", None) or annotated_kind(trainable)
    if kind is dict or typing.get_origin(kind) is dict:
        return values
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        names = {field.name for field in dataclasses.fields(kind) if field.init}
        return kind(**{name: value for name, value in values.items() if name in names})
    if hasattr(kind, "model_validate"):
        return kind.model_validate(values)
    return Settings(**values)


def annotated_kind(module: Any) -> Any:
    """What the training function says that its configuration is; None where it says nothing."""
    function = getattr(module, ABOUT["entry_point"].partition(":")[2], None)
    if not inspect.isfunction(function):
        return None
    names = list(inspect.signature(function).parameters)
    try:
        return typing.get_type_hints(function).get(names[0])
    except NameError:  # of a name that only a type checker imports
        return None


if __name__ == "__main__":
    print(load_model())
