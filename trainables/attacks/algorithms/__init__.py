"""The algorithms of attacks on an objective, each as in its paper."""
