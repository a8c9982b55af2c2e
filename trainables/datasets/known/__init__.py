"""The datasets that have a name: a file here with a `KnownDataset` at its top level adds one. Imports no torch."""
