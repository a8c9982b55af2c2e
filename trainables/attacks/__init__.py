"""Attacks in the L∞ ball and Carlini and Wagner's L2 one, a file each: plain functions that know no config."""
