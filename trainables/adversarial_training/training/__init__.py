"""Training, epoch by epoch."""
