"""Analyses of a tested network in addition to its accuracy: a file here with an `Analysis` adds one. No torch."""
