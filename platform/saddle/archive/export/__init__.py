"""A trained model in a folder: its code, a model card, and a script that loads it."""
