"""The ten digits and their tasks, which scikit-learn's digits, MNIST and SVHN share. Imports no torch."""

from __future__ import annotations

from trainables.datasets.auxiliary_tasks.class_tables import read_class_table

DIGITS = read_class_table(
    "digits", about="digits", meanings={"odd_even": ("odd", "even"), "prime_composite": ("composite", "prime")}
)
"""Labels are numbered as in S3's official code."""
