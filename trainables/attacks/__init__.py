"""Attacks in the L∞ ball and Carlini and Wagner's in L2, one per file: plain functions without a configuration."""
