"""The transformations of input that a network may have, one or a family in each file. Imports no torch."""
