"""What a test measures beside accuracy and validity: a file here with an `Analysis` adds one. Imports no torch."""
