"""One's own images: from what a study file says of them to their files."""
