"""Own images: from their description in a study file to their files."""
