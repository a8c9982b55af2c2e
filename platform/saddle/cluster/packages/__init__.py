"""Code on its way to the nodes: wheels and environment variables."""
