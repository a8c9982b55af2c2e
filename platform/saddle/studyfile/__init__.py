"""Reading and checking study files: YAML to `Study`, with every mistake at once."""
