"""The ledger: finished trials in Parquet, their index, and a trial set aside."""
