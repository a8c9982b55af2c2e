"""Discriminators: which class an image is of, or that it is generated (S1, 3.1.2). They are classifiers, too."""
