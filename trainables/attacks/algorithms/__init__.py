"""The algorithms of attacks on an objective, each as its paper has it."""
