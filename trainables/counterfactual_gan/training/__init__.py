"""Training of both networks, epoch by epoch, and when it counts as collapsed."""
