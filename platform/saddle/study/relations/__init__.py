"""Relations: their part of a study file, and what is known of their units."""
