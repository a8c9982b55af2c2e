"""Searches: Optuna samplers, pruners and storages behind ask and tell."""
