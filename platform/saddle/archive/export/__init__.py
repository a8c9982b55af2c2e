"""A trained model in a folder of its own: its code, a card that says what it is, and a script that loads it."""
