"""Transformations of a network's input that should remove perturbations, and how attacks go through them."""
