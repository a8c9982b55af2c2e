"""Perturbations to train on: those that S3 compares, and their controls."""
