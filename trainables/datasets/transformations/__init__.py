"""Transformations for controlled families of one dataset: chosen classes, smoothed, saturated or paler images."""
