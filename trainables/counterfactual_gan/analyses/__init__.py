"""What a test measures in addition to accuracy and validity: a file here with an `Analysis` adds one. No torch."""
