"""Compares what is stored of a study: ledger, Optuna, MLflow, checkpoints; repairs what follows from the ledger."""
