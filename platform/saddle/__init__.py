"""Sweeps and ablations of adversarial (min–max) training that answer the question behind them."""

from typing import TYPE_CHECKING, Any

from saddle.own_packages import prefer_own_packages

prefer_own_packages()  # before anything here imports them

from saddle import errors  # noqa: E402
from saddle.api import from_argparse, load, load_model, results, run  # noqa: E402

__all__ = ["__version__", "errors", "from_argparse", "load", "load_model", "results", "run"]

__version__: str
"""The installed distribution's version."""

if TYPE_CHECKING:
    from trainables.own_loop.lightning_callback import LightningCallback as LightningCallback
    from trainables.own_loop.transformers_callback import TransformersCallback as TransformersCallback

CALLBACKS = {"LightningCallback": "lightning_callback", "TransformersCallback": "transformers_callback"}
"""Classes of a framework that is imported when they are asked for, and the modules that hold them."""


def __getattr__(name: str) -> Any:
    """`__version__` and the callbacks, read when they are asked for: most of what imports saddle needs none of them."""
    if name in CALLBACKS:
        from importlib import import_module

        return getattr(import_module(f"trainables.own_loop.{CALLBACKS[name]}"), name)
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("saddle")
