"""Sweeps and ablations of adversarial (min–max) training that answer the question behind them."""

from saddle.api import load, results, run

__all__ = ["load", "results", "run"]
