"""Sweeps and ablations of adversarial (min–max) training that answer the question behind them."""

from saddle.api import load, load_model, results, run

__all__ = ["load", "load_model", "results", "run"]
