"""Auxiliary tasks: further labels of the same images, and the tables that name them."""
