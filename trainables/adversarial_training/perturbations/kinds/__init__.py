"""What a network may be trained on, one perturbation or family of them in a file. Imports no torch."""
