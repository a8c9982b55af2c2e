"""A training loop of one's own as a trainable: a function, or a program in any language."""
