"""The user's own training loop as a trainable: a function, or a program in any language."""
