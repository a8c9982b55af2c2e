"""Formats of a dataset's files: class folders, Parquet, idx, arrays; each is a `Source`. Imports no torch."""
