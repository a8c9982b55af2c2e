"""Compares what is stored of a study: ledger, Optuna, MLflow, checkpoints; mends what follows from the ledger."""
