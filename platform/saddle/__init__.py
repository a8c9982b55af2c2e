"""Sweeps and ablations of adversarial (min–max) training that answer the question behind them."""

from saddle.own_packages import prefer_own_packages

prefer_own_packages()  # before anything here imports them

from saddle import errors  # noqa: E402
from saddle.api import from_argparse, load, load_model, results, run  # noqa: E402

__all__ = ["__version__", "errors", "from_argparse", "load", "load_model", "results", "run"]

__version__: str
"""The installed distribution's version."""


def __getattr__(name: str) -> str:
    """`__version__`, read when it is asked for: `importlib.metadata` is not needed by what imports saddle."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("saddle")
