"""What a dataset's files look like: class folders, Parquet, idx, arrays; each is a `Source`. Imports no torch."""
