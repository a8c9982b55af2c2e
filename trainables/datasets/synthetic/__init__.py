"""Images drawn by a program, with exact masks: something to train on where there are no files."""
