"""The attacks that a study may name, one method to a file. Imports no torch."""
