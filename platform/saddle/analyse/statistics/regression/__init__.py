"""Regressions, mixed models and correlations over units or replicates."""
