"""Trainables: found by name or file, loaded once, with the hyperparameters and metrics that they declare."""
