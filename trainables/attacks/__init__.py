"""Attacks that training itself uses, written here for speed and checked against a plain reference."""
