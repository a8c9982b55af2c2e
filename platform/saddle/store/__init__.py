"""Where results lie: a folder or a bucket, with ledger, checkpoints, locks and fencing."""
