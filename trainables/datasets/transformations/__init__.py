"""What controlled families of one dataset are made of: chosen classes, smoothed, saturated or paler images."""
