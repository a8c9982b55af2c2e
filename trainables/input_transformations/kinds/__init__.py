"""The transformations of input that a network may have, one or a family in a file. Imports no torch."""
