"""Who may write to a run: locks in folders, leases in buckets, fencing tokens."""
