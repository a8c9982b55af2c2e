"""The datasets that have a name, each in the files it is customarily distributed as, or in Parquet."""
