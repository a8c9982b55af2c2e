"""What trainables share where a GPU computes: its arithmetic, transfers to it, and copies of what it holds."""
