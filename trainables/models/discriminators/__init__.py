"""Discriminators: the class of an image, or that it is generated (S1, 3.1.2). They are also classifiers."""
