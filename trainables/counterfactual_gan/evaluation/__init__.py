"""What is measured of both networks, and the plain classifiers that they are measured by."""
