"""What a network is trained on: the perturbations that S3 compares, and their controls."""
