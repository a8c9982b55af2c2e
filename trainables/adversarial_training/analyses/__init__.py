"""What a tested network is asked besides its accuracy: a file here with an `Analysis` adds one. Imports no torch."""
