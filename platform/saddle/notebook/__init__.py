"""A stored study in a notebook: frames, figures, models."""
