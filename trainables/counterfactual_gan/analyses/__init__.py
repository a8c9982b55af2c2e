"""What a test measures besides accuracy and validity: a file here with an `Analysis` adds one. Imports no torch."""
