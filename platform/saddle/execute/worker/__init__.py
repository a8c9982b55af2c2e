"""What runs on a worker: the slot, its group of ranks, and the training of one trial."""
