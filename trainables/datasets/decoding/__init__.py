"""From encoded images and masks to pixels, tiles included, and whether the pixels can be right."""
