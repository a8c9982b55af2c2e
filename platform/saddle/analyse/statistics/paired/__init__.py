"""Tests of paired differences, corrections for many of them, and effect sizes."""
