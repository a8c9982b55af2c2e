"""The measurements of both networks, and the plain classifiers that they use."""
