"""Sweeps and ablations of adversarial (min–max) training that answer the question behind them."""

from saddle.own_packages import prefer_own_packages

prefer_own_packages()  # before anything here imports them

from saddle.api import load, load_model, results, run  # noqa: E402

__all__ = ["load", "load_model", "results", "run"]
