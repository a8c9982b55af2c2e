"""Training methods: they know PyTorch, and nothing of the platform that runs them."""
