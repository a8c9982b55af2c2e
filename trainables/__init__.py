"""Training methods: they use PyTorch, and don't depend on the platform that runs them."""
