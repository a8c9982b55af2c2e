"""The attacks that a study may name, one method in each file. Imports no torch."""
