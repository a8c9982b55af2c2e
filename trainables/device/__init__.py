"""Shared code for computing on a GPU: its arithmetic, transfers to it, and copies from it."""
