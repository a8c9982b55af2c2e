"""Known datasets that are fetched over HTTP, and how what came is checked."""
