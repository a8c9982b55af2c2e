"""Images drawn by a program, with exact masks, to train on without any files."""
