"""What a run of a study and its trials are called: plain data, no I/O."""
