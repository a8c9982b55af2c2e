"""What is measured of a tested network besides its accuracy: a file here with an `Analysis` adds one. No torch."""
