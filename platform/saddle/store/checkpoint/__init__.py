"""What a trial keeps between two epochs: its state, its curve and the manifest of both."""
