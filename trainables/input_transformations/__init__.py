"""Transformations of a network's input that are meant to remove perturbations, and how attacks go through them."""
