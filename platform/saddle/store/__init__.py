"""Where results are stored: a folder or a bucket, with ledger, checkpoints, locks and fencing."""
